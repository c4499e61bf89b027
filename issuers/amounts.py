"""The table of amounts: what a tester wants to happen, said by the last four digits of DE 4.

The rows are data, in the file of the bank that goes by them (`banks/sandbox.toml`); an amount that
no row names is approved. Each row has four characters: digits stand for themselves, a letter for
any digit, and the digits under the letters are the row's number.

    1CCC  decline with the last two digits of CCC as DE 39
    2SSS  answer after SSS hundredths of a second
    3000  never answer     3001  answer twice      3002  answer with a wrong STAN
    3003  answer garbage   3004  close the link
    4PPP  approve PPP thousandths of the amount

Pure: a `Manner` says how the answer is to be given; the host does it. What is booked is `sandbox`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from protocols.codes import is_approval


class Do(StrEnum):
    """What can be asked for."""

    APPROVE = "approve"
    DECLINE = "decline"
    DELAY = "delay"
    NEVER = "never"
    TWICE = "twice"
    WRONG_STAN = "wrong_stan"
    GARBAGE = "garbage"
    CLOSE = "close"
    PARTIAL = "partial"


class AmountRule(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digits: Annotated[str, Field(pattern=r"^[0-9A-Z]{4}$")]
    do: Do
    note: str = ""

    def number(self, last_four: str) -> int | None:
        """The digits under the letters, or None when the row does not fit.

        >>> AmountRule(digits="1CCC", do="decline").number("1051")
        51
        >>> AmountRule(digits="3000", do="never").number("3001") is None
        True
        """
        under = ""
        for mine, digit in zip(self.digits, last_four, strict=True):
            if not mine.isdigit():
                under += digit
            elif mine != digit:
                return None
        return int(under or "0")


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is given. The ordinary manner: once, at once, as it is."""

    delay_s: float = 0.0
    copies: int = 1
    wrong_stan: bool = False
    garbage: bool = False
    close: bool = False


ORDINARY = Manner()

_MANNERS = {
    Do.NEVER: Manner(copies=0),
    Do.TWICE: Manner(copies=2),
    Do.WRONG_STAN: Manner(wrong_stan=True),
    Do.GARBAGE: Manner(garbage=True),
    Do.CLOSE: Manner(copies=0, close=True),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an amount asks for: the outcome, and the manner of saying so."""

    decline_with: str | None = None  # DE 39
    thousandths: int = 1000  # of the amount that are approved
    manner: Manner = ORDINARY


PLAIN_WISH = Wish()


def wish_of(table: Sequence[AmountRule], amount: int) -> Wish:
    """What the table says to an amount in minor units.

    >>> table = [AmountRule(digits="1CCC", do="decline"), AmountRule(digits="2SSS", do="delay")]
    >>> wish_of(table, 771051).decline_with, wish_of(table, 2025).manner.delay_s, wish_of(table, 5).decline_with
    ('51', 0.25, None)
    """
    last_four = f"{amount % 10_000:04d}"
    for rule in table:
        number = rule.number(last_four)
        if number is not None:
            return _wish(rule.do, number)
    return PLAIN_WISH


def _wish(do: Do, number: int) -> Wish:
    match do:
        case Do.DECLINE:
            code = f"{number % 100:02d}"
            return Wish(decline_with=None if is_approval(code) else code)  # 00 and 10 are no declines
        case Do.DELAY:
            return Wish(manner=Manner(delay_s=number / 100))
        case Do.PARTIAL:
            return Wish(thousandths=number or 1000)  # a part of nothing is the whole
        case _:
            return Wish(manner=_MANNERS.get(do, ORDINARY))
