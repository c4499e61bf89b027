"""The bank's counter: what a holder, or somebody of the bank's, may do and see outside a payment.

Each action is a pure decision over a snapshot: effects come back, or `TellerRefusedError` with a reason
in words. The host makes the effects true and records them like any other (`Host.act`), so an action is on disk
when it returns, as entries of the ledger or as an event row. Views read and change nothing.

`Counter` binds both to a running host. Online banking uses it in the same process, and through the admin
socket (`admin`) from another. A holder is known by the name on the accounts; what is not theirs does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from issuers.accounts import Account, HoldState, LedgerError, moved
from issuers.bank import Bank, Moment
from issuers.book import Book, Booking, BookingState, Card, CardState, Effect, Event, Virtual, VirtualState, Way
from issuers.decision import charged, disputes_account, money, spent_of, use_in
from issuers.store import Store
from protocols import codes
from protocols.money import Amount, currency
from protocols.pan import Pan, check_digit

STATEMENT_MOST: Final = 200
VIRTUALS_MOST: Final = 10  # active at once, a card; more is a mistake or a thief
DIGITS_OF_A_NUMBER: Final = 16

Line = dict[str, Any]


class TellerRefusedError(Exception):
    """It cannot be done. `slug` is for machines, the text for the holder; nothing has been changed."""

    def __init__(self, slug: str, text: str) -> None:
        super().__init__(text)
        self.slug = slug


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose business it is; None: the bank itself, which may see everything."""

    name: str | None = None

    @property
    def actor(self) -> str:
        return "bank" if self.name is None else "holder"


BANK: Final = Holder()


# Finding


def account_of(book: Book, holder: Holder, account: str) -> Account:
    found = book.ledger.accounts.get(account)
    if found is None or found.own or holder.name not in (None, found.holder):
        raise TellerRefusedError("account.unknown", "There is no such account.")
    return found


def card_of(book: Book, holder: Holder, token: str) -> Card:
    card = book.cards.get(token)
    if card is None or holder.name not in (None, book.ledger.accounts[card.account].holder):
        raise TellerRefusedError("card.unknown", "There is no such card.")
    return card


def booking_of(book: Book, holder: Holder, key: str) -> Booking:
    booking = book.bookings.get(key)
    if booking is None or booking.card not in book.cards:
        raise TellerRefusedError("payment.unknown", "There is no such payment.")
    card_of(book, holder, booking.card)
    return booking


# Money


def transfer(
    book: Book, moment: Moment, holder: Holder, source: str, target: str, amount: int, text: str = ""
) -> tuple[Effect, ...]:
    """Between two accounts of the holder's."""
    to_account = account_of(book, holder, target)
    return _moved(book, moment, holder, source, to_account, amount, text or "own transfer")


def pay_card(book: Book, moment: Moment, holder: Holder, token: str, source: str, amount: int) -> tuple[Effect, ...]:
    """From an account of the holder's to the one behind the card; it makes room in the card's limit, if it has one."""
    card = card_of(book, holder, token)
    effects: tuple[Effect, ...] = ()
    if source != card.account:
        to_account = book.ledger.accounts[card.account]
        effects = _moved(book, moment, holder, source, to_account, amount, f"payment of card {card.masked[-4:]}")
    elif card.limit is None or amount <= 0 or not spent_of(card):
        raise TellerRefusedError("payment.nothing", "There is nothing to pay on this card.")
    if card.limit is not None and spent_of(card):
        effects = (*effects, replace(card, spent=max(0, card.spent - amount)))
    return (*effects, _event(moment, holder, "card.paid", token, str(amount)))


def _moved(
    book: Book, moment: Moment, holder: Holder, source: str, target: Account, amount: int, text: str
) -> tuple[Effect, ...]:
    from_account = account_of(book, holder, source)
    if amount <= 0:
        raise TellerRefusedError("amount.zero", "Say how much.")
    if target.id == from_account.id:
        raise TellerRefusedError("account.same", "These are one and the same account.")
    if target.currency != from_account.currency:
        raise TellerRefusedError("currency.differs", "The accounts are in different currencies.")
    if amount > from_account.available:
        raise TellerRefusedError("funds", "There is not enough money in the account.")
    key = f"own/{moment.at}/{source}/{target.id}"
    posting = moved(key, source, target.id, amount, text)
    return (posting, _event(moment, holder, "transfer", source, f"{amount} {target.currency} to {target.id}"))


# Cards


def set_limit(
    book: Book, moment: Moment, holder: Holder, token: str, limit: int, allowed: tuple[int, ...] = ()
) -> tuple[Effect, ...]:
    """One of the limits that the product offers; the bank itself may set any."""
    card = card_of(book, holder, token)
    if holder.name is not None and limit not in allowed:
        raise TellerRefusedError("limit.not_offered", "This limit is not offered for the card.")
    if limit < 0:
        raise TellerRefusedError("limit.negative", "A limit is nothing or more.")
    return (replace(card, limit=limit), _event(moment, holder, "limit.set", token, f"{card.limit} to {limit}"))


def freeze(book: Book, moment: Moment, holder: Holder, token: str) -> tuple[Effect, ...]:
    return _state(book, moment, holder, token, CardState.ACTIVE, CardState.FROZEN)


def unfreeze(book: Book, moment: Moment, holder: Holder, token: str) -> tuple[Effect, ...]:
    return _state(book, moment, holder, token, CardState.FROZEN, CardState.ACTIVE)


def _state(
    book: Book, moment: Moment, holder: Holder, token: str, before: CardState, after: CardState
) -> tuple[Effect, ...]:
    card = card_of(book, holder, token)
    if card.state is after:
        return ()
    if card.state is not before:
        raise TellerRefusedError(f"card.{card.state}", f"The card is {card.state}: ask the bank.")
    return (replace(card, state=after), _event(moment, holder, f"card.{after}", token))


def set_state(book: Book, moment: Moment, holder: Holder, token: str, state: CardState) -> tuple[Effect, ...]:
    """The bank blocks a card, or reports it lost; a holder freezes."""
    if holder.name is not None:
        raise TellerRefusedError("bank.only", "Only the bank can do this.")
    return (replace(card_of(book, holder, token), state=state), _event(moment, holder, f"card.{state}", token))


# Payments


def cancel_hold(book: Book, moment: Moment, holder: Holder, key: str) -> tuple[Effect, ...]:
    """Free what is set aside. The shop may still take what it was promised: then it is charged after all."""
    booking = booking_of(book, holder, key)
    if not booking.held:
        raise TellerRefusedError("hold.none", "Nothing is set aside for this payment any more.")
    after = replace(booking, amount=0, spent=0, cash=0, overlimit=False, count=0, withdrawals=0)
    card = charged(book.cards[booking.card], after, use_in(booking))
    event = _event(moment, holder, "hold.cancelled", key, f"{booking.held} {booking.currency}")
    return (*money(after, booking, HoldState.RELEASED), card, after, event)


def dispute(book: Book, moment: Moment, holder: Holder, key: str, reason: str) -> tuple[Effect, ...]:
    """The holder says it was not so. What was posted is credited until somebody has decided; a hold stays."""
    booking = booking_of(book, holder, key)
    if booking.state is not BookingState.APPROVED or booking.way is Way.NOTHING or booking.sign > 0:
        raise TellerRefusedError("payment.not_disputable", "This payment took no money.")
    if booking.disputed:
        raise TellerRefusedError("payment.disputed", "This payment is disputed already.")
    if not reason.strip():
        raise TellerRefusedError("reason.missing", "Say what is wrong with it.")
    credited = booking.amount - booking.excess if booking.way is Way.POST else 0
    back: tuple[Effect, ...] = ()
    if credited > 0:
        paid_by = disputes_account(booking.currency)
        back = (moved(f"dispute/{key}", paid_by, booking.account, credited, f"disputed: {booking.merchant}"),)
    said = reason.strip()[:200]
    return (*back, replace(booking, disputed=said), _event(moment, holder, "payment.disputed", key, said))


# Virtual numbers


def new_number(
    book: Book,
    moment: Moment,
    holder: Holder,
    token: str,
    pan: Pan,
    token_of_pan: str,
    expiry: str,
    merchant: str = "",
    amount: int | None = None,
) -> tuple[Effect, ...]:
    """One number for one payment: at one shop, up to an amount, or both. The caller tells it, this once."""
    card = card_of(book, holder, token)
    if card.state is not CardState.ACTIVE:
        raise TellerRefusedError(f"card.{card.state}", f"The card is {card.state}.")
    if not merchant and amount is None:
        raise TellerRefusedError("virtual.bare", "Say for which shop, or up to which amount.")
    if amount is not None and amount <= 0:
        raise TellerRefusedError("amount.zero", "Say how much.")
    if token_of_pan in book.cards or token_of_pan in book.virtuals:
        raise LedgerError("a number was drawn twice")
    active = [one for one in book.virtuals.values() if one.card == token and one.state is VirtualState.ACTIVE]
    if len(active) >= VIRTUALS_MOST:
        raise TellerRefusedError("virtual.too_many", "Too many numbers are waiting to be used: end one first.")
    virtual = Virtual(token_of_pan, pan.masked, token, expiry, merchant, amount, at=moment.at)
    return (virtual, _event(moment, holder, "virtual.made", token, pan.masked))


def end_number(book: Book, moment: Moment, holder: Holder, token: str) -> tuple[Effect, ...]:
    virtual = book.virtuals.get(token)
    if virtual is None:
        raise TellerRefusedError("card.unknown", "There is no such number.")
    card_of(book, holder, virtual.card)
    if virtual.state is not VirtualState.ACTIVE:
        return ()
    return (replace(virtual, state=VirtualState.ENDED), _event(moment, holder, "virtual.ended", virtual.card))


def drawn_number(prefix: str, drawn: str) -> Pan:
    """A card number from a prefix and random digits.

    >>> drawn_number("941410", "123456789").passes_luhn
    True
    """
    body = (prefix + drawn)[: DIGITS_OF_A_NUMBER - 1]
    return Pan(body + check_digit(body))


# The bank's own time


def close_day(book: Book, moment: Moment) -> tuple[Effect, ...]:
    """Tomorrow begins: what was used today is used no more, and holds come a day nearer to their end."""
    ahead = replace(book.calendar, days=book.calendar.days + 1)
    return (ahead, Event(moment.at, "day.closed", "bank", moment.day))


def close_cycle(book: Book, moment: Moment) -> tuple[Effect, ...]:
    """Every card's limit starts anew."""
    ahead = replace(book.calendar, cycles=book.calendar.cycles + 1)
    return (ahead, Event(moment.at, "cycle.closed", "bank", moment.cycle("month")))


def _event(moment: Moment, holder: Holder, kind: str, subject: str, text: str = "") -> Event:
    return Event(moment.at, kind, subject, text, holder.actor)


# Seeing


def accounts_seen(store: Store, holder: Holder) -> list[Line]:
    """Accounts, with what may be spent."""
    return [
        {
            "id": one.id,
            "holder": one.holder,
            "currency": one.currency,
            "posted": one.posted,
            "held": one.held,
            "balance": one.balance,
            "credit_limit": one.credit_limit,
            "available": one.available,
            "shown": str(Amount(one.available, currency(one.currency))),
        }
        for one in store.accounts.values()
        if not one.own and holder.name in (None, one.holder)
    ]


def cards_seen(store: Store, bank: Bank, holder: Holder, moment: Moment) -> list[Line]:
    """Cards with limits and what of them is used, as they stand at this moment."""
    return [_card_line(store, bank, card, moment) for card in store.cards.values() if _is_of(store, card, holder)]


def _is_of(store: Store, card: Card, holder: Holder) -> bool:
    return holder.name in (None, store.accounts[card.account].holder)


def _card_line(store: Store, bank: Bank, card: Card, moment: Moment) -> Line:
    product = bank.products[card.product]
    fresh = card.cycle != moment.cycle(product.cycle)
    allowance = product.overlimit_allowance
    used = 0 if fresh and product.overlimit_per == "cycle" else card.overlimits
    spent = 0 if fresh else spent_of(card)
    numbers = [asdict(one) for one in store.virtuals.values() if one.card == card.token]
    return {
        "token": card.token,
        "masked": card.masked,
        "product": card.product,
        "title": product.title,
        "account": card.account,
        "currency": store.accounts[card.account].currency,
        "expiry": card.expiry,
        "state": str(card.state),
        "cycle": product.cycle,
        "limit": card.limit,
        "limits_offered": [bank.minor(text) for text in product.limits_offered],
        "spent": spent,
        "left": None if card.limit is None else max(0, card.limit - spent),
        "overlimit_allowed": allowance,
        "overlimit_used": used,
        "virtual_numbers": numbers,
    }


def statement(store: Store, holder: Holder, most: int = STATEMENT_MOST) -> list[Line]:
    """Payments with their holds, postings and declines, the newest first; each decline with its reason in words.

    An authorization that is `completed` stands beside the completions that posted it, which name it as `original`.
    Inquiries moved nothing and are not here.
    """
    cards = [card.token for card in store.cards.values() if _is_of(store, card, holder)]
    found = store.bookings_of(cards, most) if cards else []
    return [_payment_line(store, one) for one in found if one.way is not Way.NOTHING or _is_declined(one)]


def _is_declined(one: Booking) -> bool:
    return one.state is BookingState.DECLINED


def _payment_line(store: Store, one: Booking) -> Line:
    declined = _is_declined(one)
    return {
        "key": one.key,
        "at": one.at,
        "card": one.card,
        "masked": store.cards[one.card].masked if one.card in store.cards else "",
        "account": one.account,
        "merchant": one.merchant,
        "type": codes.TRANSACTION_TYPES.get(one.type, one.type),
        "state": _stands(one),
        "currency": one.currency,
        "amount": one.sign * (one.agreed or one.approved),
        "held": one.held,
        "fee": one.fee,
        "transaction_amount": one.transaction_amount,
        "transaction_currency": one.transaction_currency,
        "approval_code": one.approval_code,
        "rrn": one.rrn,
        "expires": one.expires if one.held else "",
        "overlimit": one.overlimit,
        "virtual": bool(one.virtual),
        "disputed": one.disputed,
        "original": one.original,
        "reason": one.reason if declined else "",
        "reason_text": _words(one) if declined else "",
    }


def _stands(one: Booking) -> str:
    if one.state is not BookingState.APPROVED:
        return str(one.state)
    if one.way is Way.HOLD:
        return "held" if one.held else "completed" if one.completed else "released"
    return "posted" if one.way is Way.POST else "approved"


def _words(one: Booking) -> str:
    known = codes.known_reason(one.reason)
    return known.title if known else codes.response_title(one.response_code)


def entries(store: Store, holder: Holder, account: str, most: int = STATEMENT_MOST) -> list[Line]:
    """The ledger's lines of one account, the newest first."""
    account_of(store.book(), holder, account)
    return [
        {"number": number, "key": key, "amount": amount, "text": text, "at": at}
        for number, key, amount, text, at in store.entries_of(account, most)
    ]


def events(store: Store, holder: Holder, most: int = STATEMENT_MOST) -> list[Line]:
    """What was done to the holder's cards and accounts."""
    subjects = [card.token for card in store.cards.values() if _is_of(store, card, holder)]
    subjects += [one.id for one in store.accounts.values() if holder.name in (None, one.holder)]
    return [asdict(one) for one in store.events_of([*subjects, *(["bank"] if holder.name is None else [])], most)]


Action = Callable[[Book, Moment], tuple[Effect, ...]]
