"""A step of the tour: lines that a person understands, each with what is done and what must come of it.

Data only. Amounts are text with the currency's decimals, cards are named by the part they play
(`switch.tour.cards`), merchants by their card acceptor id. Who plays it is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Pin(StrEnum):
    """What the holder types at the PIN pad."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class AtTill:
    """Something asked at a merchant's till; a gateway process sends it."""

    gateway: str
    merchant: str
    channel: str
    card: str  # the part the card plays
    amount: str
    currency: str
    do: str = "purchase"
    pin: Pin | None = None
    to: str | None = None  # the account that a transfer goes to
    how: str | None = None  # how the card is read where it is there: insert, tap, swipe


@dataclass(frozen=True, slots=True)
class Follow:
    """Something about what was last asked for at a till: capture, reverse, again (the same reversal), approve."""

    gateway: str
    do: str
    amount: str | None = None
    officer: str | None = None


@dataclass(frozen=True, slots=True)
class InBanking:
    """A holder signs in to online banking with a browser and chooses another limit for a card."""

    user: str
    password: str  # a demonstration's, and nobody's
    card: str  # the part the card plays
    limit: str


@dataclass(frozen=True, slots=True)
class HostDown:
    """An issuer's host is switched off: its process ends, its link breaks."""

    issuer: str


@dataclass(frozen=True, slots=True)
class HostUp:
    """The host starts again; the switch finds it by itself."""

    issuer: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """Wait until store and forward owes nobody anything."""


Act = AtTill | Follow | InBanking | HostDown | HostUp | Delivered


@dataclass(frozen=True, slots=True)
class Answer:
    """What the till must hear."""

    response_code: str
    reason: str | None = None  # DE 44 of a decline, exactly
    billed_in: str | None = None  # the card is billed in this currency, with its decimals

    def __str__(self) -> str:
        if self.billed_in:
            return f"{self.response_code} approved, billed in {self.billed_in}"
        return f"{self.response_code} {self.reason or 'approved'}"


@dataclass(frozen=True, slots=True)
class Fact:
    """What must be so, where nobody answers."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tour."""

    says: str
    act: Act
    expected: Answer | Fact


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step, as the world counts them."""

    number: int
    title: str
    lines: tuple[Line, ...]


APPROVED = Answer("00")
