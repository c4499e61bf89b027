"""Whether a holder who pays on the internet is challenged: the bank's rule, as a value. Pure.

What is decided here is what an access control server answers at first (`transStatus`); the codes, the CAVV and the
pages are `access_control`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from issuers.bank import AuthenticationRule, Bank
from issuers.book import Card, CardState
from protocols.money import Amount, currency
from protocols.three_d_secure import Status

# transStatusReason of EMV 3-D Secure 2.2.
REASON_NO_RECORD: Final = "08"  # no card record
REASON_STOLEN: Final = "10"
REASON_LOW_CONFIDENCE: Final = "15"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the bank knows of the one who pays. Amount in minor units of the shop's currency."""

    card: Card | None
    expiry: str  # as typed, YYMM
    is_enrolled: bool
    can_be_asked: bool  # the holder has online banking, where the code is shown
    amount: int
    currency: str
    is_new_shop: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next, and why where nothing does."""

    status: Status
    reason: str | None = None


def first_step(bank: Bank, situation: Situation, yymm: str) -> Step:
    """Frictionless, a challenge, an attempt, or no.

    The expiry date is no reason to say anything here: a wrong one is refused by the authorization, and whoever guesses
    dates shall not learn the right one for nothing.
    """
    card = situation.card
    rule = bank.products[card.product].authentication if card is not None else None
    if card is None or rule is None:
        return Step(Status.UNAVAILABLE, REASON_NO_RECORD)
    if card.state is not CardState.ACTIVE:
        return Step(Status.REJECTED, REASON_STOLEN)
    if not situation.is_enrolled:
        return Step(Status.ATTEMPTED)
    if not must_challenge(rule, situation) and situation.expiry == card.expiry >= yymm:
        return Step(Status.AUTHENTICATED)
    return Step(Status.CHALLENGE if situation.can_be_asked else Status.ATTEMPTED)


def must_challenge(rule: AuthenticationRule, situation: Situation) -> bool:
    """The amount, or a shop that is new to the card."""
    most = rule.challenge_from.get(situation.currency)
    if most is None or situation.amount >= Amount.parse(most, situation.currency).minor:
        return True
    return rule.challenge_at_new_shops and situation.is_new_shop


def shown_amount(minor: int, code: str) -> str:
    """
    >>> shown_amount(12500, "KWD")
    '12.500 KWD'
    """
    return str(Amount(minor, currency(code)))
