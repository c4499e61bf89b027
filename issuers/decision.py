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

from issuers.accounts import Account, Held, LedgerEffect, moved
from issuers.ask import Ask
from issuers.bank import Bank, Limits, Moment
from issuers.book import Book, Booking, BookingState, Card, Effect, Way, without_usage
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
}
MOVES_MONEY: Final = frozenset({Kind.SPEND, Kind.GIVE})


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered, and what becomes true with it.

    `verify_pin`: nothing is answered yet; the effects hold, the HSM is to be asked, and the
    same request comes back with what it said.
    """

    response_code: str = codes.APPROVED
    reason: str | None = None
    approval_code: str = ""
    effects: tuple[Effect, ...] = ()
    amount: int | None = None  # DE 4, where it is less than asked for
    billing_amount: int | None = None  # DE 6, the same
    additional_amounts: str | None = None  # DE 54
    verify_pin: bool = False


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

    @property
    def moves_money(self) -> bool:
        return self.kind in MOVES_MONEY

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
    """What the first check has found to be there; anything else is a mistake in the order of the checks."""
    if value is None:
        raise LookupError("a check looked at a card that is not known")
    return value


def case_of(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Case:
    """The case with the card's counters as they stand at this moment."""
    kind, card = KINDS.get(ask.type), book.cards.get(ask.token)
    if card is None:
        return Case(ask, kind, None, None, None, moment)
    limits = bank.limits[card.product]
    cycle = moment.cycle(limits.cycle)
    card = without_usage(card, cycle=cycle, day=moment.day, per_cycle=limits.overlimit_per_cycle)
    return Case(ask, kind, card, book.ledger.accounts[card.account], limits, moment)


class Use(NamedTuple):
    """What of a card's limits a transaction takes."""

    spent: int = 0  # negative for what a refund gives back
    overlimit: bool = False
    cash: int = 0
    withdrawals: int = 0


NO_USE: Final = Use()


def use_of(case: Case) -> Use:
    """What the transaction takes if it is approved, so that a reversal can give it back."""
    amount, card = case.ask.amount, case.known_card
    if case.kind is Kind.GIVE:
        return Use(-min(spent_of(card), amount))
    overlimit = exceeds_limit(case) and card.overlimits < case.known_limits.overlimit_allowance
    is_cash = case.ask.type == codes.CASH
    return Use(amount, overlimit, amount if is_cash else 0, int(is_cash))


def exceeds_limit(case: Case) -> bool:
    card = case.known_card
    return case.kind is Kind.SPEND and card.limit is not None and spent_of(card) + case.ask.amount > card.limit


def spent_of(card: Card) -> int:
    """What counts against the card's limit: refunds make room for purchases, and no more than that."""
    return max(0, card.spent)


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
        card=ask.token,
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
    )


def decline(case: Case, response_code: str, slug: str) -> Booking:
    """The same, declined: it has never had an effect."""
    return replace(
        approval(case),
        state=BookingState.DECLINED,
        amount=0,
        approved=0,
        approval_code="",
        response_code=response_code,
        reason=slug,
    )


def without_effect(booking: Booking) -> Booking:
    """The booking with all its effects gone; `approved` still says what it once was."""
    return replace(booking, amount=0, spent=0, overlimit=False, cash=0, withdrawals=0)


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
    return replace(
        card,
        spent=card.spent + booking.spent - before.spent if same_cycle else card.spent,
        overlimits=card.overlimits + overlimits if same_cycle or not per_cycle else card.overlimits,
        cash=card.cash + booking.cash - before.cash if same_day else card.cash,
        withdrawals=card.withdrawals + booking.withdrawals - before.withdrawals if same_day else card.withdrawals,
        pin_tries=card.pin_tries if pin_tries is None else pin_tries,
    )


def use_in(booking: Booking) -> Use:
    """What a booking uses now."""
    return Use(booking.spent, booking.overlimit, booking.cash, booking.withdrawals)


def money(booking: Booking, account: str) -> LedgerEffect:
    """A hold on the account, or the amount moved between it and the bank's account with the network."""
    if booking.way is Way.HOLD:
        return Held(booking.key, account, booking.amount)
    bank_side = network_account(booking.currency)
    source, target = (account, bank_side) if booking.sign < 0 else (bank_side, account)
    return moved(booking.key, source, target, booking.amount, booking.merchant or booking.type)


def network_account(code: str) -> str:
    """The bank's own account against which the network is settled."""
    return f"network.{code}"


def opening_account(code: str) -> str:
    """The other side of every account's opening balance."""
    return f"opening.{code}"


def suspense_account(code: str) -> str:
    """Where an advice is booked that names no card of ours: it has happened, and somebody has to look."""
    return f"suspense.{code}"


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
