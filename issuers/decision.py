"""What a decision is, and what all decisions share: the case, the booking, the money that moves.

`decide` (requests), `advise` (advices and completions), `reverse` (reversals) and `sandbox` (by
amount) each look at a `Case` and return a `Decision`. Nothing is decided here. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, NamedTuple, TypeVar
from zlib import crc32

from issuers.accounts import Account, Ended, Entry, Held, HoldState, LedgerEffect, Posted, Reduced
from issuers.ask import Ask
from issuers.bank import Bank, Limits, Moment
from issuers.book import Authentication, Book, Booking, BookingState, Card, Effect, Virtual, Way, without_usage
from protocols import codes
from protocols.additional_amounts import AdditionalAmount
from protocols.money import currency

T = TypeVar("T")

# DE 54: amount types of ISO 8583:1987; 57 is the schemes' own.
LEDGER_BALANCE: Final = "01"
AVAILABLE_BALANCE: Final = "02"
ORIGINAL_AMOUNT: Final = "57"


class Kind(Enum):
    """What a transaction type does to the customer's account."""

    SPEND = auto()
    GIVE = auto()
    BALANCE = auto()
    VERIFY = auto()
    PIN_CHANGE = auto()
    TRANSFER = auto()  # between accounts of this bank


KINDS: Final[Mapping[str, Kind]] = {
    codes.PURCHASE: Kind.SPEND,
    codes.CASH: Kind.SPEND,
    codes.CASH_BACK: Kind.SPEND,
    codes.FUNDING: Kind.SPEND,
    codes.BILL_PAYMENT: Kind.SPEND,
    codes.REFUND: Kind.GIVE,
    codes.CREDIT: Kind.GIVE,
    codes.DEPOSIT: Kind.GIVE,
    codes.BALANCE: Kind.BALANCE,
    codes.VERIFICATION: Kind.VERIFY,
    codes.TRANSFER: Kind.TRANSFER,
    codes.PIN_CHANGE: Kind.PIN_CHANGE,
}
MOVES_MONEY: Final = frozenset({Kind.SPEND, Kind.GIVE, Kind.TRANSFER})


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered, and what becomes true with it.

    `ask_hsm`: nothing is answered yet; the effects hold, the HSM is to be asked, and the
    same request comes back with what it said.
    """

    response_code: str = codes.APPROVED
    reason: str | None = None
    approval_code: str = ""
    effects: tuple[Effect, ...] = ()
    amount: int | None = None  # DE 4, where it is less than asked for
    billing_amount: int | None = None  # DE 6, the same
    additional_amounts: str | None = None  # DE 54
    ask_hsm: bool = False


def refused(slug: str) -> Decision:
    """A decline that leaves nothing in the books: what is there is about something else."""
    return Decision(codes.reason(slug).response_code, slug)


@dataclass(frozen=True, slots=True)
class Case:
    """A request beside what the bank knows about its card."""

    ask: Ask
    kind: Kind | None
    card: Card | None
    account: Account | None
    limits: Limits | None
    moment: Moment
    virtual: Virtual | None = None  # the number that was used in the card's place
    original: Booking | None = None  # of an increase: what it increases
    authentication: Authentication | None = None  # of the holder, where the request carries one that the bank knows
    target: str = ""  # the account here that gets the money; empty: it goes to the network

    @property
    def moves_money(self) -> bool:
        return self.kind in MOVES_MONEY

    @property
    def is_increase(self) -> bool:
        """An authorization that names another one raises it."""
        return self.kind is Kind.SPEND and self.ask.mti == "0100" and self.ask.original_key is not None

    @property
    def is_cash(self) -> bool:
        return self.ask.type == codes.CASH

    @property
    def cash(self) -> int:
        """How much of the amount leaves the bank as notes."""
        return self.ask.amount if self.is_cash else self.ask.cash_back

    @property
    def known_card(self) -> Card:
        return _known(self.card)

    @property
    def known_account(self) -> Account:
        return _known(self.account)

    @property
    def known_limits(self) -> Limits:
        return _known(self.limits)


def _known(value: T | None) -> T:
    """Later checks rest on earlier ones; this says so, and finds a mistake in the order of the checks."""
    if value is None:
        raise LookupError("a check looked at a card that is not known")
    return value


def case_of(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Case:
    """The case with the card's counters as they stand at this moment."""
    kind, virtual = KINDS.get(ask.type), book.virtuals.get(ask.token)
    card = book.cards.get(virtual.card if virtual else ask.token)
    original = book.original_of(ask.original_key)
    if card is None:
        return Case(ask, kind, None, None, None, moment, original=original)
    limits = bank.limits[card.product]
    cycle = moment.cycle(limits.cycle)
    card = without_usage(card, cycle=cycle, day=moment.day, per_cycle=limits.overlimit_per_cycle)
    account = book.ledger.accounts[card.account]
    if kind is Kind.TRANSFER and ask.source:
        account = _own_account(book, account, ask.source)
    authentication = book.authentications.get(ask.authentication)
    target = ask.target if kind is Kind.TRANSFER or is_funded_here(ask, account, book) else ""
    return Case(ask, kind, card, account, limits, moment, virtual, original, authentication, target)


def is_funded_here(ask: Ask, account: Account, book: Book) -> bool:
    """A financial request that puts money into an account (DE 103) of this bank: one posting from card to account."""
    target = book.ledger.accounts.get(ask.target)
    if ask.type != codes.FUNDING or ask.mti != "0200" or target is None or target.own:
        return False
    return target.id != account.id and target.currency == account.currency


def _own_account(book: Book, account: Account, named: str) -> Account:
    """The account that DE 102 names, if it is the cardholder's own; else the card's, and `transfer_refusal` says no."""
    found = book.ledger.accounts.get(named)
    return found if found is not None and not found.own and found.holder == account.holder else account


class Use(NamedTuple):
    """What of a card's limits a transaction takes."""

    spent: int = 0  # negative for what a refund gives back
    overlimit: bool = False
    cash: int = 0
    withdrawals: int = 0
    payments: int = 0


NO_USE: Final = Use()


def use_of(case: Case) -> Use:
    """What the transaction takes if it is approved, so that a reversal can give it back."""
    amount, card = case.ask.amount, case.known_card
    if case.kind is Kind.GIVE:
        return Use(-min(spent_of(card), amount)) if case.ask.type == codes.REFUND else NO_USE
    if case.kind is Kind.TRANSFER:
        return NO_USE
    overlimit = exceeds_limit(case) and card.overlimits < case.known_limits.overlimit_allowance
    return Use(amount, overlimit, case.cash, int(case.is_cash), 0 if case.is_increase else 1)


def exceeds_limit(case: Case) -> bool:
    card = case.known_card
    return case.kind is Kind.SPEND and card.limit is not None and spent_of(card) + case.ask.amount > card.limit


def spent_of(card: Card) -> int:
    """What counts against the card's limit: refunds make room for purchases, and no more than that."""
    return max(0, card.spent)


def fee_of(case: Case, amount: int) -> int:
    """What the bank takes beside the amount: for cash, and for a foreign currency. Rounded down, once.

    A refund gives no fee back, and costs none.
    """
    if case.kind is not Kind.SPEND or case.limits is None:
        return 0
    foreign = amount * case.limits.foreign_fee_bp // 10_000 if case.ask.rate else 0
    return foreign + (case.limits.cash_fee if case.is_cash else 0)


def approval(case: Case, way: Way = Way.NOTHING, use: Use = NO_USE) -> Booking:
    """The transaction as it will stand in the books if it is approved."""
    ask, card, account = case.ask, case.card, case.account
    amount = ask.amount if case.moves_money else 0
    return Booking(
        ask.booking_key,
        BookingState.APPROVED,
        ask.currency or (account.currency if account else ""),
        amount,
        amount,
        ask.type,
        way=way,
        sign=1 if case.kind is Kind.GIVE else -1,
        card=card.token if card else ask.token,
        account=account.id if account else "",
        transaction_amount=ask.transaction_amount,
        transaction_currency=ask.transaction_currency,
        rate=ask.rate,
        cycle=card.cycle if card else "",
        spent=use.spent,
        overlimit=use.overlimit,
        day=card.day if card else "",
        cash=use.cash,
        withdrawals=use.withdrawals,
        response_code=codes.APPROVED,
        approval_code=approval_code(ask.booking_key),
        terminal_id=ask.terminal_id,
        merchant=ask.merchant,
        rrn=ask.rrn,
        at=case.moment.at,
        agreed=amount,
        authorized=amount,
        original=case.original.key if case.is_increase and case.original else "",
        fee=0 if way is Way.NOTHING else fee_of(case, amount),
        target=case.target,
        count=use.payments,
        expires=_expiry(case) if way is Way.HOLD else "",
        virtual=case.virtual.token if case.virtual else "",
    )


def _expiry(case: Case) -> str:
    if case.limits is None:
        return ""
    product = case.limits.product
    return case.moment.day_after(product.preauthorization_days if case.ask.is_preauthorization else product.hold_days)


def decline(case: Case, response_code: str, slug: str) -> Booking:
    """The same, declined: it has never had an effect."""
    return replace(
        approval(case),
        state=BookingState.DECLINED,
        amount=0,
        approved=0,
        agreed=0,
        authorized=0,
        approval_code="",
        response_code=response_code,
        reason=slug,
    )


def without_effect(booking: Booking) -> Booking:
    """The booking with all its effects gone; `approved` still says what it once was."""
    return replace(
        booking,
        amount=0,
        agreed=0,
        authorized=0,
        spent=0,
        overlimit=False,
        cash=0,
        withdrawals=0,
        count=0,
        fee=0,
        excess=0,
    )


def charged(
    card: Card, booking: Booking, before: Use = NO_USE, *, pin_tries: int | None = None, per_cycle: bool = False
) -> Card:
    """The card with what the booking uses of its limits, in place of what it used before.

    What a past cycle or a past day used is past; with `per_cycle` so is the permission to exceed the
    limit. `spent` may fall below nothing, when a purchase is cancelled that had been refunded: the sum
    over all bookings is kept exactly. One new card for all of it: this is in the hot path.
    """
    same_cycle, same_day = card.cycle == booking.cycle, card.day == booking.day
    overlimits = int(booking.overlimit) - before.overlimit
    count = booking.count - before.payments
    return replace(
        card,
        spent=card.spent + booking.spent - before.spent if same_cycle else card.spent,
        overlimits=card.overlimits + overlimits if same_cycle or not per_cycle else card.overlimits,
        cash=card.cash + booking.cash - before.cash if same_day else card.cash,
        withdrawals=card.withdrawals + booking.withdrawals - before.withdrawals if same_day else card.withdrawals,
        pin_tries=card.pin_tries if pin_tries is None else pin_tries,
        day_spent=card.day_spent + max(0, booking.spent) - max(0, before.spent) if same_day else card.day_spent,
        day_count=card.day_count + count if same_day else card.day_count,
        cycle_count=card.cycle_count + count if same_cycle else card.cycle_count,
    )


def use_in(booking: Booking) -> Use:
    """What a booking uses now."""
    return Use(booking.spent, booking.overlimit, booking.cash, booking.withdrawals, booking.count)


def money(
    after: Booking, before: Booking | None = None, end: HoldState = HoldState.RELEASED
) -> tuple[LedgerEffect, ...]:
    """What moves on the ledger when a booking comes to stand as it does `after`, and stood as `before`.

    A hold is set, made smaller or ended as `end` says; of a posting, the difference is posted.
    """
    if after.way is Way.HOLD:
        return _hold(after, before.held if before else 0, end)
    entries = _difference(_entries(after), _entries(before) if before else {})
    return (Posted(after.key, entries, after.merchant or after.type),) if entries else ()


def _hold(booking: Booking, held: int, end: HoldState) -> tuple[LedgerEffect, ...]:
    if booking.held == held:
        return ()
    if not held:
        return (Held(booking.key, booking.account, booking.held),)
    return (Reduced(booking.key, booking.held) if booking.held else Ended(booking.key, end),)


def _entries(booking: Booking) -> dict[str, int]:
    """The lines that a posted booking has as it stands, by account."""
    if booking.way is not Way.POST:
        return {}
    amount, code = booking.sign * booking.amount, booking.currency
    lines: dict[str, int] = {}
    for account, line in (
        (booking.account, amount - booking.sign * booking.excess - booking.fee),
        (suspense_account(code), booking.sign * booking.excess),
        (fee_account(code), booking.fee),
        (booking.target or network_account(code), -amount),
    ):
        lines[account] = lines.get(account, 0) + line
    return lines


def _difference(after: Mapping[str, int], before: Mapping[str, int]) -> tuple[Entry, ...]:
    lines = {account: after.get(account, 0) - before.get(account, 0) for account in {**after, **before}}
    return tuple(Entry(account, line) for account, line in lines.items() if line)


def network_account(code: str) -> str:
    """The bank's own account against which the network is settled."""
    return f"network.{code}"


def opening_account(code: str) -> str:
    """The other side of every account's opening balance."""
    return f"opening.{code}"


def suspense_account(code: str) -> str:
    """Where an advice is booked that names no card of ours, or more than was authorized: somebody has to look."""
    return f"suspense.{code}"


def fee_account(code: str) -> str:
    """What the bank has earned."""
    return f"fees.{code}"


def disputes_account(code: str) -> str:
    """What the bank has credited to holders who dispute a payment, until somebody has decided."""
    return f"disputes.{code}"


def approval_code(key: str) -> str:
    """Six digits that depend on the booking alone, so nothing has to be counted or remembered.

    >>> approval_code("0100/000001/1123205144/784001")
    '482537'
    """
    return f"{crc32(key.encode()) % 999_999 + 1:06d}"


def additional_amount(account_type: str, amount_type: str, code: str, minor: int) -> str:
    """One amount of DE 54: account type 2, amount type 2, currency 3, C or D, twelve digits.

    >>> additional_amount("00", "02", "KWD", -1500)
    '0002414D000000001500'
    """
    return AdditionalAmount(account_type, amount_type, currency(code).number, minor).text
