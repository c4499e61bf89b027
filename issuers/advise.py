"""Advices: somebody has answered for the bank, or money has moved already. All that is left is to book it, once.

An advice is never declined for a business reason: it tells what has happened. A 0120 says that stand-in
has answered an authorization; an original that we approved ourselves and its advice are one booking. A
0220 completes an authorization, ending its hold and posting what was captured, or reports a financial
transaction. Limits and funds are used, not asked.

Pure; nothing is changed here, the decision's effects are.
"""

from __future__ import annotations

from dataclasses import replace

from issuers.accounts import Ended, HoldState
from issuers.ask import Ask
from issuers.bank import Bank, Moment
from issuers.book import Book, Booking, BookingState, Effect, Way
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


def advise(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0120, or a 0220 of a financial request that stand-in answered: DE 90 names the request."""
    return _booked_once(case_of(ask, book, bank, moment), book, ask.original_key or ask.booking_key)


def complete(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0220: what was held is captured; what was never held has happened."""
    case = case_of(ask, book, bank, moment)
    key = ask.original_key or ""
    if key.startswith("02") and case.kind is Kind.SPEND:
        return _booked_once(case, book, key)
    original = book.bookings.get(key)
    if original is None or case.kind is not Kind.SPEND:
        return _booked_once(case, book, ask.booking_key)
    return Decision(effects=_captured(ask, original, book))


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
    told = replace(approval(case), key=key, advised=True, approval_code=ask.approval_code)
    if not told.amount:
        return (told,)
    if case.card is None or case.known_account.currency != ask.currency:
        return _in_suspense(told, book)
    sets_aside = key.startswith("01") and case.kind is Kind.SPEND
    use = use_of(case)
    booking = replace(told, way=Way.HOLD if sets_aside else Way.POST, **use._asdict())
    return (money(booking, booking.account), charged(case.card, booking), booking)


def _in_suspense(told: Booking, book: Book) -> tuple[Effect, ...]:
    suspense = suspense_account(told.currency)
    if suspense not in book.ledger.accounts:
        return (replace(told, account=""),)
    booking = replace(told, account=suspense, way=Way.POST)
    return (money(booking, suspense), booking)


def _captured(ask: Ask, original: Booking, book: Book) -> tuple[Effect, ...]:
    """The hold ends and its money moves, as much as the completion says. Without an active hold nothing does."""
    hold = book.ledger.holds.get(original.key)
    if hold is None or hold.state is not HoldState.ACTIVE or not ask.amount:
        return ()
    taken = replace(original, way=Way.POST, amount=ask.amount, approved=ask.amount)
    taken = replace(taken, spent=ask.amount, cash=ask.amount if original.cash else 0)
    card = book.cards.get(original.card)
    usage = () if card is None else (charged(card, taken, use_in(original)),)
    return (Ended(hold.key, HoldState.CAPTURED), money(taken, hold.account), *usage, taken)
