"""What the bank answers to a request, decided in one synchronous stretch.

`authorize` looks at a fetched snapshot (`Book`) and returns a `Decision`: the response code, the
reason where it is not a plain approval, and the effects that make it true. Nothing is changed
here; the caller applies the effects at once, so nothing can come between looking and acting.
Pure: the moment comes in as an argument.

The checks stand in a fixed order, and the first that fails is the answer:

    card known 14 · lost 41 · stolen 43 · blocked 62 · expired or another expiry date 54 ·
    transaction type 12 · amount 13 · currency 12 · PIN 57, 75, 55, 96 · card limit 61 ·
    cash of the day 61, 65 · funds 51

The PIN stands before the limits, so that nobody learns about an account without it. A try is
counted, and on disk, before the HSM is asked; when the HSM cannot say, the try is given back.

An authorization (0100) sets money aside, a financial request (0200) moves it; a refund moves it in
either. Advices, completions and reversals have files of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from issuers.ask import Ask, Pin
from issuers.bank import Bank, Moment
from issuers.book import Book, Booking, BookingState, Card, CardState, Effect, Way
from issuers.decision import (
    AVAILABLE_BALANCE,
    LEDGER_BALANCE,
    Case,
    Decision,
    Kind,
    additional_amount,
    approval,
    case_of,
    charged,
    decline,
    exceeds_limit,
    money,
    refused,
    spent_of,
    use_of,
)
from protocols import codes

PIN_TRIES: Final = 3  # the third wrong one is the last

Check = Callable[[Case], str | None]


def authorize(ask: Ask, book: Book, bank: Bank, moment: Moment) -> Decision:
    """A 0100 or 0200; on its second time round with what the HSM said about its PIN."""
    earlier = book.bookings.get(ask.booking_key)
    if earlier is not None:
        return already_booked(earlier)
    case = case_of(ask, book, bank, moment)
    refusal = _first(BEFORE_PIN, case)
    if refusal is None and ask.pin is Pin.UNVERIFIED:
        return _count_try(case)
    if refusal is None:
        refusal = _first(FROM_PIN_ON, case)
    return _approved(case) if refusal is None else _declined(case, refusal)


def already_booked(earlier: Booking) -> Decision:
    """Its reversal, or its stand-in advice, was faster than the request itself."""
    if earlier.is_tombstone:
        return refused("reversed.first")
    if earlier.advised and earlier.state is BookingState.APPROVED:
        return Decision(approval_code=earlier.approval_code)
    return refused("duplicate.differs")


def _first(checks: tuple[Check, ...], case: Case) -> str | None:
    for check in checks:
        refusal = check(case)
        if refusal is not None:
            return refusal
    return None


# The checks: each says why not, or None


def card_refusal(case: Case) -> str | None:
    return "card.unknown" if case.card is None else _STATE_REFUSALS.get(case.card.state)


_STATE_REFUSALS: Final[Mapping[CardState, str]] = {
    CardState.LOST: "card.lost",
    CardState.STOLEN: "card.stolen",
    CardState.BLOCKED: "card.blocked",
}


def expiry_refusal(case: Case) -> str | None:
    """A card is good to the last day of its month. What DE 14 says must be what is on the card."""
    card, said = case.known_card, case.ask.expiry
    if card.expiry < case.moment.yymm:
        return "card.expired"
    return "expiry.differs" if said and said != card.expiry else None


def type_refusal(case: Case) -> str | None:
    return "type.unknown" if case.kind is None else None


def amount_refusal(case: Case) -> str | None:
    return "amount.zero" if case.moves_money and not case.ask.amount else None


def currency_refusal(case: Case) -> str | None:
    if not case.ask.currency:
        return "currency.unknown"
    differs = case.moves_money and case.ask.currency != case.known_account.currency
    return "currency.differs" if differs else None


def pin_needed_refusal(case: Case) -> str | None:
    needs_pin = case.ask.type == codes.CASH and case.known_limits.cash_needs_pin
    return "pin.missing" if needs_pin and case.ask.pin is Pin.NONE else None


def pin_tries_refusal(case: Case) -> str | None:
    """Before a try is counted. Tries that are at the HSM now have been counted, so no four are ever there."""
    if case.ask.pin is not Pin.UNVERIFIED:
        return None
    if case.known_card.pin_tries >= PIN_TRIES:
        return "pin.tries"
    return "hsm.down" if case.known_card.pvv is None else None  # the HSM has not been there to make one


def pin_refusal(case: Case) -> str | None:
    if case.ask.pin is Pin.WRONG:
        return "pin.tries" if case.known_card.pin_tries >= PIN_TRIES else "pin.wrong"
    return "hsm.down" if case.ask.pin is Pin.UNKNOWN else None


def limit_refusal(case: Case) -> str | None:
    """The card's limit, which some cards may exceed once."""
    card, limits = case.known_card, case.known_limits
    if not exceeds_limit(case):
        return None
    if card.overlimits < limits.overlimit_allowance:
        return None if _within_cap(case) else "limit.exceeded"
    return "overlimit.used" if limits.overlimit_allowance else "limit.exceeded"


def _within_cap(case: Case) -> bool:
    card, cap = case.known_card, case.known_limits.overlimit_cap
    return cap is None or spent_of(card) + case.ask.amount <= (card.limit or 0) + cap


def cash_refusal(case: Case) -> str | None:
    card, limits = case.known_card, case.known_limits
    if case.ask.type != codes.CASH:
        return None
    if limits.cash_per_day is not None and card.cash + case.ask.amount > limits.cash_per_day:
        return "limit.exceeded"
    too_often = limits.withdrawals_per_day is not None and card.withdrawals >= limits.withdrawals_per_day
    return "count.exceeded" if too_often else None


def funds_refusal(case: Case) -> str | None:
    return "funds" if case.kind is Kind.SPEND and case.ask.amount > case.known_account.available else None


BEFORE_PIN: Final[tuple[Check, ...]] = (
    card_refusal,
    expiry_refusal,
    type_refusal,
    amount_refusal,
    currency_refusal,
    pin_needed_refusal,
    pin_tries_refusal,
)
FROM_PIN_ON: Final[tuple[Check, ...]] = (pin_refusal, limit_refusal, cash_refusal, funds_refusal)


# What follows from the checks


def _count_try(case: Case) -> Decision:
    card = case.known_card
    return Decision(effects=(replace(card, pin_tries=card.pin_tries + 1),), verify_pin=True)


def _declined(case: Case, slug: str) -> Decision:
    response_code = codes.reason(slug).response_code
    booking = decline(case, response_code, slug)
    card = () if case.card is None else (_after_pin(case.card, case.ask.pin),)
    return Decision(response_code, slug, effects=(*card, booking))


def _approved(case: Case) -> Decision:
    if not case.moves_money:
        booking = approval(case)
        said = _balances(case) if case.kind is Kind.BALANCE else None
        effects: tuple[Effect, ...] = (_after_pin(case.known_card, case.ask.pin), booking)
        return Decision(approval_code=booking.approval_code, effects=effects, additional_amounts=said)
    sets_aside = case.ask.mti == "0100" and case.kind is Kind.SPEND
    booking = approval(case, Way.HOLD if sets_aside else Way.POST, use_of(case))
    card = charged(case.known_card, booking, pin_tries=_tries_after(case.known_card, case.ask.pin))
    return Decision(approval_code=booking.approval_code, effects=(money(booking, booking.account), card, booking))


def _after_pin(card: Card, pin: Pin) -> Card:
    tries = _tries_after(card, pin)
    return card if tries == card.pin_tries else replace(card, pin_tries=tries)


def _tries_after(card: Card, pin: Pin) -> int:
    """A right PIN clears the count of tries; when the HSM could not say, the try is given back."""
    if pin is Pin.RIGHT:
        return 0
    return max(0, card.pin_tries - 1) if pin is Pin.UNKNOWN else card.pin_tries


def _balances(case: Case) -> str:
    """DE 54: what is posted, and what may be spent, which a card's limit may make less."""
    card, account, account_type = case.known_card, case.known_account, case.ask.account_type
    available = account.available
    if card.limit is not None:
        available = min(available, max(0, card.limit - spent_of(card)))
    return "".join(
        (
            additional_amount(account_type, LEDGER_BALANCE, account.currency, account.posted),
            additional_amount(account_type, AVAILABLE_BALANCE, account.currency, available),
        )
    )
