"""Advices: somebody has answered for the bank, or money has moved already. All that is left is to book it, once.

An advice is never declined for a business reason: it tells what has happened. A 0120 says that stand-in
has answered an authorization; an original that we approved ourselves and its advice are one booking. A
0220 completes an authorization or reports a financial transaction. Limits and funds are used, not asked.

A completion is a transaction of its own: it posts what was captured and takes as much from the hold, and the
last one ends the hold (DE 48.62 says which of several it is). The holder is charged what was authorized and
the product's tolerance above it; what goes beyond has happened too, so the bank pays it and keeps it in
suspense, with an event for whoever has to look. So the network's books agree, and the holder's do.

Pure; nothing is changed here, the decision's effects are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from issuers.accounts import HoldState, LedgerEffect
from issuers.ask import Ask
from issuers.bank import Bank, Moment
from issuers.book import Book, Booking, BookingState, Card, Effect, Event, Way
from issuers.decision import (
    Case,
    Decision,
    Kind,
    approval,
    case_of,
    charged,
    decline,
    money,
    suspense_account,
    use_in,
    use_of,
)
from protocols import codes
from protocols.money import Amount, Rate, convert, currency

PERCENT: Final = 100


def advise(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0120, or a 0220 of a financial request that stand-in answered: DE 90 names the request."""
    return _booked_once(case_of(ask, book, bank, moment), book, ask.original_key or ask.booking_key)


def complete(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0220: what was held is captured; what was never held has happened."""
    case = case_of(ask, book, bank, moment)
    if (ask.original_key or "").startswith("02") and case.kind is Kind.SPEND:
        return _booked_once(case, book, ask.original_key or "")
    original = case.original
    if original is None or case.kind is not Kind.SPEND or original.card != _token(case):
        return _booked_once(case, book, ask.booking_key)
    if ask.booking_key in book.bookings:
        return Decision()
    return Decision(effects=_captured(case, original, book))


def _token(case: Case) -> str:
    return case.card.token if case.card else case.ask.token


def _booked_once(case: Case, book: Book, key: str) -> Decision:
    earlier = book.bookings.get(key)
    if earlier is not None and earlier.state is not BookingState.DECLINED:
        return _noted(earlier)
    ask = case.ask
    if ask.response_code and not codes.is_approval(ask.response_code):
        told = replace(decline(case, ask.response_code, ""), key=key, advised=True)
        return Decision(effects=() if earlier else (told,))
    return Decision(effects=_happened(case, book, key))


def _noted(earlier: Booking) -> Decision:
    """It is booked already, or cancelled for good. A request that comes after it shall hear the same."""
    return (
        Decision() if earlier.advised or earlier.is_tombstone else Decision(effects=(replace(earlier, advised=True),))
    )


def _happened(case: Case, book: Book, key: str) -> tuple[Effect, ...]:
    """Book what somebody else has approved, with all that it does to card and account, unconditionally."""
    ask = case.ask
    sets_aside = key.startswith("01") and case.kind is Kind.SPEND
    way = Way.HOLD if sets_aside else Way.POST
    knows_account = case.card is not None and case.known_account.currency == ask.currency
    use = use_of(case) if knows_account and case.moves_money else use_in(approval(case))
    told = replace(approval(case, way, use), key=key, advised=True, approval_code=ask.approval_code)
    if not told.amount:
        return (replace(told, way=Way.NOTHING),)
    if not knows_account or (told.target and told.target not in book.ledger.accounts):
        return _in_suspense(told, book)
    return (*money(told), charged(case.known_card, told), told)


def _in_suspense(told: Booking, book: Book) -> tuple[Effect, ...]:
    """Nobody's account is charged: the bank's own is, if it keeps one in that currency."""
    suspense = suspense_account(told.currency)
    bare = replace(told, spent=0, overlimit=False, cash=0, withdrawals=0, count=0, fee=0, excess=0, target="")
    if suspense not in book.ledger.accounts:
        return (replace(bare, account="", way=Way.NOTHING),)
    booking = replace(bare, account=suspense, way=Way.POST, excess=told.amount)
    return (*money(booking), booking)


# Completions


def _captured(case: Case, original: Booking, book: Book) -> tuple[Effect, ...]:
    told = replace(approval(case, Way.POST), original=original.key, approval_code=case.ask.approval_code, fee=0)
    if original.is_tombstone and told.amount:  # taken back before it came: no account of ours ever owed it
        return (*_in_suspense(told, book), *_remarks(case, original, replace(told, excess=told.amount)))
    if original.way is Way.NOTHING:  # a bank without accounts
        worth = _told_of(original, told.amount, case.ask.is_last_part)
        return (replace(told, way=Way.NOTHING), replace(worth, captured=worth.captured + told.amount))
    amount = _billed(case.ask, original)
    if amount is None or not original.account or not told.amount:
        return _in_suspense(told, book) if told.amount else ()
    told = replace(told, amount=amount, approved=amount, agreed=amount, currency=original.currency)
    family, room = book.family(original), _room(case, original, book)
    taken, is_last = min(amount, room), case.ask.is_last_part
    told = replace(
        told,
        account=original.account,
        cycle=original.cycle,
        day=original.day,
        spent=taken,
        cash=taken if original.cash else 0,
        excess=amount - taken,
        fee=sum(member.fee for member in family) if is_last else 0,
    )
    after = _less(family, taken, is_last)
    after[0] = replace(_told_of(after[0], amount, is_last), captured=original.captured + taken)
    ends: list[LedgerEffect] = []
    for member, left in zip(family, after, strict=True):
        end = HoldState.CAPTURED if taken else HoldState.RELEASED
        ends += money(left, member, end)
    return (
        *ends,
        *money(told),
        *_card_after(book, [*zip(family, after, strict=True), (None, told)]),
        *after,
        told,
        *_remarks(case, original, told),
    )


def _room(case: Case, original: Booking, book: Book) -> int:
    """What the holder may still be charged: the whole authorization and the tolerance, less what was captured."""
    if original.state is not BookingState.APPROVED or original.completed:
        return 0
    authorized = sum(member.authorized for member in book.family(original))
    tolerance = case.limits.product.capture_tolerance_percent if case.limits else 0
    return max(0, authorized * (PERCENT + tolerance) // PERCENT - original.captured)


def _told_of(original: Booking, amount: int, is_last: bool) -> Booking:
    """The first completion says what the transaction is worth, further parts add to it; what comes after is odd."""
    if original.state is not BookingState.APPROVED or original.completed:
        return original
    worth = original.agreed + amount if original.captured else amount
    return replace(original, agreed=worth, completed=is_last)


def _less(family: Sequence[Booking], taken: int, is_last: bool) -> list[Booking]:
    """The authorization and its increases after a completion: the oldest gives first; the last one frees the rest."""
    after = []
    for member in family:
        part = min(member.amount, taken)
        taken -= part
        left = 0 if is_last else member.amount - part
        spent, cash = min(member.spent, left), min(member.cash, left)
        after.append(replace(member, amount=left, spent=spent, cash=cash, fee=0 if is_last else member.fee))
    return after


def _card_after(book: Book, changes: Sequence[tuple[Booking | None, Booking]]) -> tuple[Card, ...]:
    card = book.cards.get(changes[0][1].card)
    if card is None:
        return ()
    for before, after in changes:
        card = charged(card, after, use_in(before)) if before else charged(card, after)
    return (card,)


def _remarks(case: Case, original: Booking, told: Booking) -> tuple[Event, ...]:
    if not told.excess:
        return ()
    kind = "capture.above_hold" if original.state is BookingState.APPROVED else "capture.of_reversed"
    return (Event(case.moment.at, kind, told.key, f"{told.excess} {told.currency} in suspense"),)


def _billed(ask: Ask, original: Booking) -> int | None:
    """The amount in the currency of the original; None where nobody can say it."""
    if ask.currency == original.currency:
        return ask.amount
    if ask.transaction_currency != original.transaction_currency or not original.rate:
        return None
    paid = Amount(ask.transaction_amount, currency(original.transaction_currency))
    return convert(paid, currency(original.currency), Rate.from_de10(original.rate)).minor
