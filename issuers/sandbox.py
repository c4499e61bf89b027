"""The sandbox's decision: no cards and no accounts, the amount says what happens.

What it books is what it has decided, so its books can be laid beside the switch's like any
bank's. An amount that asks for silence, or for an answer nobody can use, is booked as approved all
the same: whoever tests wants the reversal that follows to find something. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from issuers.amounts import wish_of
from issuers.ask import Ask
from issuers.bank import Bank, Moment
from issuers.book import Book, Booking
from issuers.decide import already_booked
from issuers.decision import (
    AVAILABLE_BALANCE,
    KINDS,
    ORIGINAL_AMOUNT,
    Case,
    Decision,
    Kind,
    additional_amount,
    approval,
    decline,
)
from protocols import codes
from protocols.money import Amount


def authorize(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0100 or 0200 by the table of amounts. DE 14 and the PIN are not looked at."""
    earlier = book.bookings.get(ask.booking_key)
    if earlier is not None:
        return already_booked(ask, earlier)
    case = Case(ask, KINDS.get(ask.type), None, None, None, moment)
    if case.kind is None:
        return _declined(case, "12", "type.unknown")
    if not ask.currency:
        return _declined(case, "12", "currency.unknown")
    return _by_amount(case, bank)


def _by_amount(case: Case, bank: Bank) -> Decision:
    ask, booking = case.ask, approval(case)
    wish = wish_of(bank.amounts, ask.transaction_amount)
    if wish.decline_with:
        return _declined(case, wish.decline_with, codes.plain_reason(wish.decline_with).slug)
    if wish.thousandths < 1000 and ask.accepts_partial and case.kind is Kind.SPEND:
        return _in_part(case, booking, wish.thousandths)
    said = _balance(ask, bank) if case.kind is Kind.BALANCE else None
    return Decision(approval_code=booking.approval_code, effects=(booking,), additional_amounts=said)


def _declined(case: Case, response_code: str, slug: str) -> Decision:
    return Decision(response_code, slug, effects=(decline(case, response_code, slug),))


def _in_part(case: Case, booking: Booking, thousandths: int) -> Decision:
    """DE 39 = 10: DE 4 says how much, DE 54 how much was asked for."""
    ask = case.ask
    amount, transaction_amount = (whole * thousandths // 1000 for whole in (ask.amount, ask.transaction_amount))
    asked = additional_amount(ask.account_type, ORIGINAL_AMOUNT, ask.transaction_currency, ask.transaction_amount)
    part = replace(
        booking,
        amount=amount,
        approved=amount,
        agreed=amount,
        authorized=amount,
        response_code=codes.PARTIALLY_APPROVED,
    )
    return Decision(
        codes.PARTIALLY_APPROVED,
        "partial",
        booking.approval_code,
        (part,),
        amount=transaction_amount,
        billing_amount=amount if ask.rate else None,
        additional_amounts=asked,
    )


def _balance(ask: Ask, bank: Bank) -> str:
    balance = Amount.parse(bank.balance, ask.currency)
    return additional_amount(ask.account_type, AVAILABLE_BALANCE, ask.currency, balance.minor)
