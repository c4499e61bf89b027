"""DE 54, additional amounts: balances, cash back, the amount that was asked for.

A run of up to six amounts of twenty characters each (ISO 8583:1987): account type 2, amount type 2,
currency 3, C or D, and twelve digits of minor units. Which of them a customer may spend is for the
issuer to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocols.errors import FormatError, LocalProtocolError

LENGTH: Final = 20
MOST: Final = 6

LEDGER_BALANCE: Final = "01"
AVAILABLE_BALANCE: Final = "02"
CASH_BACK: Final = "40"
ORIGINAL_AMOUNT: Final = "57"  # the schemes' own: what was asked for, where only a part was approved

AMOUNT_TYPES: Final = {
    LEDGER_BALANCE: "ledger balance",
    AVAILABLE_BALANCE: "available balance",
    CASH_BACK: "cash back",
    ORIGINAL_AMOUNT: "original amount",
}
_FORM: Final = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{3})([CD])([0-9]{12})")


@dataclass(frozen=True, slots=True)
class AdditionalAmount:
    """One of them. `minor` is in minor units of `currency` (ISO 4217 digits), and negative for a debit (D)."""

    account_type: str
    amount_type: str
    currency: str
    minor: int

    @property
    def title(self) -> str:
        return AMOUNT_TYPES.get(self.amount_type, f"amount of type {self.amount_type}")

    @property
    def text(self) -> str:
        """Its twenty characters.

        >>> AdditionalAmount("00", "02", "414", -1500).text
        '0002414D000000001500'
        """
        sign = "D" if self.minor < 0 else "C"
        text = f"{self.account_type}{self.amount_type}{self.currency}{sign}{abs(self.minor):012d}"
        if not _FORM.fullmatch(text):
            raise LocalProtocolError("these parts do not make an additional amount")
        return text


def parse(text: str) -> tuple[AdditionalAmount, ...]:
    """DE 54 as a peer sent it; FormatError when it is not a run of amounts.

    >>> parse("0040784D000000001000")
    (AdditionalAmount(account_type='00', amount_type='40', currency='784', minor=-1000),)
    """
    found: list[AdditionalAmount] = []
    for at in range(0, len(text), LENGTH):
        match = _FORM.fullmatch(text, at, at + LENGTH)
        if match is None or len(found) == MOST:
            raise FormatError.in_element(54, offset=at)
        account_type, amount_type, currency, sign, digits = match.groups()
        found.append(
            AdditionalAmount(account_type, amount_type, currency, -int(digits) if sign == "D" else int(digits))
        )
    return tuple(found)


def pack(amounts: Iterable[AdditionalAmount]) -> str:
    """DE 54 again."""
    return "".join(amount.text for amount in amounts)
