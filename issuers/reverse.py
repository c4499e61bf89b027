"""Reversals: everything an original took is given back, and given back once.

The money, the use of the card's limit, the cash of the day, and the one permission to exceed the
limit: a customer whose purchase was cancelled has not used it. DE 95 leaves a part standing; what
counts is the amount that remains, so reversing again by the same or by more than is left changes
nothing.

A reversal whose original is unknown leaves a tombstone, and the original, should it still come, is
declined. A 0400 asks and may be told that something is wrong; a 0420 tells, and is acknowledged.

Pure; nothing is changed here, the decision's effects are.
"""

from __future__ import annotations

from dataclasses import replace

from issuers.accounts import Ended, HoldState, LedgerEffect, Reduced
from issuers.ask import Ask
from issuers.bank import Bank, Moment
from issuers.book import Book, Booking, BookingState, Card, Effect, Way
from issuers.decision import Decision, charged, money, refused, use_in, without_effect
from protocols.money import Amount, Rate, convert, currency


def reverse(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0400 or 0420, in full or (DE 95) in part."""
    original = book.bookings.get(ask.original_key or "")
    if original is None:
        return _tombstone(ask, moment)
    if original.state is not BookingState.APPROVED:
        return Decision()  # it has no effect, or none any more
    trouble = reversal_trouble(ask, original)
    if trouble is not None:
        return refused(trouble) if ask.mti == "0400" else Decision()
    return Decision(effects=_undone(original, min(_remaining(ask, original), original.amount), book, bank))


def _tombstone(ask: Ask, moment: Moment) -> Decision:
    """The original is not here. Should it still come, it has been cancelled already."""
    key = ask.original_key or ""
    stone = Booking(key, BookingState.REVERSED, ask.currency, type=ask.type, card=ask.token, rrn=ask.rrn, at=moment.at)
    stone = replace(stone, is_tombstone=True)
    answer = refused("original.unknown") if ask.mti == "0400" else Decision()
    return replace(answer, effects=(stone,))


def reversal_trouble(ask: Ask, original: Booking) -> str | None:
    """Why this cannot be a reversal of that original; what it leaves unsaid is not held against it."""
    if _differs(ask.token, original.card) or _differs(ask.terminal_id, original.terminal_id):
        return "original.unknown"  # the same words as for none at all: nobody learns about another's payments
    if _differs(ask.transaction_currency, original.transaction_currency):
        return "currency.differs"
    if max(ask.transaction_amount, ask.replacement or 0) > original.transaction_amount:
        return "amount.above_original"
    return None


def _differs(said: str, booked: str) -> bool:
    return bool(said and booked and said != booked)


def _remaining(ask: Ask, original: Booking) -> int:
    """What the cardholder shall have paid in the end. DE 95 says it in the transaction's currency."""
    if not ask.replacement:
        return 0
    if original.transaction_currency == original.currency:
        return ask.replacement
    if not original.rate:
        return original.approved * ask.replacement // original.transaction_amount
    paid = Amount(ask.replacement, currency(original.transaction_currency))
    return convert(paid, currency(original.currency), Rate.from_de10(original.rate)).minor


def _undone(original: Booking, remaining: int, book: Book, bank: Bank) -> tuple[Effect, ...]:
    if remaining and remaining == original.amount:
        return ()
    after = _with_less(original, remaining) if remaining else _cancelled(original)
    return (*_money_back(original, remaining, book), *_usage_back(original, after, book, bank), after)


def _usage_back(original: Booking, after: Booking, book: Book, bank: Bank) -> tuple[Card, ...]:
    card = book.cards.get(original.card)
    if card is None or original.way is Way.NOTHING:
        return ()
    per_cycle = bank.limits[card.product].overlimit_per_cycle
    return (charged(card, after, use_in(original), per_cycle=per_cycle),)


def _cancelled(original: Booking) -> Booking:
    return replace(without_effect(original), state=BookingState.REVERSED)


def _with_less(original: Booking, remaining: int) -> Booking:
    """A refund's use of the limit is negative: it shrinks towards nothing like the rest."""
    spent = max(-remaining, min(original.spent, remaining))
    return replace(original, amount=remaining, spent=spent, cash=min(original.cash, remaining))


def _money_back(original: Booking, remaining: int, book: Book) -> tuple[LedgerEffect, ...]:
    if original.way is Way.HOLD:
        return _hold_back(original.key, remaining, book)
    back = original.amount - remaining
    if original.way is Way.NOTHING or not back:
        return ()
    return (money(replace(original, sign=-original.sign, amount=back), original.account),)


def _hold_back(key: str, remaining: int, book: Book) -> tuple[LedgerEffect, ...]:
    hold = book.ledger.holds.get(key)
    if hold is None or hold.state is not HoldState.ACTIVE:
        return ()
    return (Reduced(key, remaining) if remaining else Ended(key, HoldState.RELEASED),)
