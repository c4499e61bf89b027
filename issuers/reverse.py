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

from issuers.ask import Ask
from issuers.bank import Bank, Moment
from issuers.book import Book, Booking, BookingState, Card, Effect, VirtualState, Way
from issuers.decision import Decision, charged, money, refused, use_in, without_effect
from protocols.money import Amount, Rate, convert, currency


def reverse(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0400 or 0420, in full or (DE 95) in part."""
    original = book.bookings.get(ask.original_key or "")
    if original is None:
        return _tombstone(ask, moment)
    if original.state is not BookingState.APPROVED or not original.agreed:
        return Decision(effects=_nothing_but_its_name(original))  # it has no effect, or none any more
    trouble = reversal_trouble(ask, original)
    if trouble is not None:
        return refused(trouble) if ask.mti == "0400" else Decision()
    return Decision(effects=_undone(original, min(_remaining(ask, original), original.agreed), book, bank))


def _nothing_but_its_name(original: Booking) -> tuple[Effect, ...]:
    """An inquiry moved nothing; it is cancelled all the same."""
    return (_cancelled(original),) if original.state is BookingState.APPROVED else ()


def _tombstone(ask: Ask, moment: Moment) -> Decision:
    """The original is not here. Should it still come, it has been cancelled already."""
    key = ask.original_key or ""
    stone = Booking(key, BookingState.REVERSED, ask.currency, type=ask.type, card=ask.token, rrn=ask.rrn, at=moment.at)
    stone = replace(stone, is_tombstone=True)
    answer = refused("original.unknown") if ask.mti == "0400" else Decision()
    return replace(answer, effects=(stone,))


def reversal_trouble(ask: Ask, original: Booking) -> str | None:
    """Why this cannot be a reversal of that original; what it leaves unsaid is not held against it."""
    if (_differs(ask.token, original.card) and ask.token != original.virtual) or _differs(
        ask.terminal_id, original.terminal_id
    ):
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
    if remaining and remaining == original.agreed:
        return ()
    changes = _in_part(original, remaining, book) if remaining else _in_full(original, book)
    effects: list[Effect] = []
    for before, after in changes:
        effects += money(after, before)
    return (*effects, *_usage_back(changes, book, bank), *(after for _, after in changes), *_number_back(changes, book))


Change = tuple[Booking, Booking]  # before, after


def _in_full(original: Booking, book: Book) -> list[Change]:
    """An authorization goes with its increases and its completions; a completion makes room for another."""
    gone = [*book.family(original), *book.completions(original)]
    changes = [(one, _cancelled(one)) for one in gone if one.state is BookingState.APPROVED]
    parent = book.bookings.get(original.original) if original.way is Way.POST else None
    if parent is not None:
        changes.append((parent, replace(parent, captured=parent.captured - (original.amount - original.excess))))
    return changes


def _in_part(original: Booking, remaining: int, book: Book) -> list[Change]:
    """The hold goes first, then the completions, the newest first."""
    captured = book.completions(original)
    left = remaining - sum(one.amount for one in captured)
    own = min(original.amount, max(0, left)) if original.way is Way.HOLD else remaining
    changes = [(original, replace(_smaller(original, own), agreed=remaining, authorized=remaining))]
    for one in reversed(captured):
        if left >= 0:
            break
        cut = min(one.amount, -left)
        changes.append((one, replace(_smaller(one, one.amount - cut), agreed=one.amount - cut)))
        left += cut
    return changes


def _smaller(booking: Booking, amount: int) -> Booking:
    """With less of everything; what was never authorized goes first, and a refund's use shrinks towards nothing."""
    excess = max(0, booking.excess - (booking.amount - amount))
    spent = max(-amount, min(booking.spent, amount - excess))
    return replace(booking, amount=amount, spent=spent, cash=min(booking.cash, amount), excess=excess)


def _cancelled(original: Booking) -> Booking:
    return replace(without_effect(original), state=BookingState.REVERSED)


def _usage_back(changes: list[Change], book: Book, bank: Bank) -> tuple[Card, ...]:
    card = book.cards.get(changes[0][0].card)
    if card is None or changes[0][0].way is Way.NOTHING:
        return ()
    per_cycle = bank.limits[card.product].overlimit_per_cycle
    for before, after in changes:
        card = charged(card, after, use_in(before), per_cycle=per_cycle)
    return (card,)


def _number_back(changes: list[Change], book: Book) -> tuple[Effect, ...]:
    """A virtual number whose one payment was cancelled is good for another."""
    original, after = changes[0]
    virtual = book.virtuals.get(original.virtual)
    used = virtual is not None and virtual.state is VirtualState.USED and not original.original
    if virtual is None or not used or after.state is not BookingState.REVERSED or original.sign > 0:
        return ()
    return (replace(virtual, state=VirtualState.ACTIVE),)
