"""Our totals, as a host adds them up: what was approved, by kind and currency, for one reconciliation (0500).

Counted as the 1987 edition has elements for it: financial messages are credits (DE 3 from 20 to 29), transfers (40 to
49) or else debits, and their reversals count on their own; inquiries (30 to 39) and authorizations are counted and
weigh nothing. Net is credits less debits. A host's totals are those of its day, so it is asked before the run too, and
ours are what it must have gained. Pure; who asks is `traffic`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

CREDITS, CREDITS_REVERSED, DEBITS, DEBITS_REVERSED, TRANSFERS, TRANSFERS_REVERSED, INQUIRIES, AUTHORIZATIONS = range(
    74, 82
)
CREDITED, CREDITED_REVERSED, DEBITED, DEBITED_REVERSED = range(86, 90)
NET: Final = 97
NUMBERS: Final = tuple(range(CREDITS, AUTHORIZATIONS + 1))  # n 10
SUMS: Final = tuple(range(CREDITED, DEBITED_REVERSED + 1))  # n 16
SPOKEN: Final = (*NUMBERS, *SUMS, NET)
#: First digit of DE 3 -> number and sum of a financial message, and of its reversal. 0: there is none.
KINDS: Final[Mapping[str, tuple[int, int, int, int]]] = {
    "2": (CREDITS, CREDITED, CREDITS_REVERSED, CREDITED_REVERSED),
    "4": (TRANSFERS, 0, TRANSFERS_REVERSED, 0),
}
DEBIT: Final = (DEBITS, DEBITED, DEBITS_REVERSED, DEBITED_REVERSED)
INQUIRY: Final = "3"
AUTHORIZATION: Final = "1"


class Totals:
    """What we know to be approved and reversed, by currency."""

    def __init__(self) -> None:
        self._of: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self.is_net_only = False  # something in doubt was taken back: whether it had been counted, only the host knows

    def approved(self, mti: str, processing_code: str, currency: str, amount: int) -> None:
        """One approved message; `amount` in minor units."""
        of, group = self._of[currency], processing_code[:1]
        if group == INQUIRY:
            of[INQUIRIES] += 1
        elif mti[1] == AUTHORIZATION:
            of[AUTHORIZATIONS] += 1
        else:
            number, total, _, _ = KINDS.get(group, DEBIT)
            _add(of, number, total, amount)

    def reversed(self, mti: str, processing_code: str, currency: str, amount: int) -> None:
        """An approved message of this type was taken back."""
        group = processing_code[:1]
        if group != INQUIRY and mti[1] != AUTHORIZATION:
            _, _, number, total = KINDS.get(group, DEBIT)
            _add(self._of[currency], number, total, amount)

    def said(self, currency: str, before: Mapping[int, str]) -> dict[int, str]:
        """The elements of a reconciliation: what the host had before, and ours.

        >>> totals = Totals()
        >>> totals.approved("0200", "000000", "784", 500)
        >>> totals.said("784", {76: "0000000002", 97: "C0000000000000300"})[97]
        'D0000000000000200'
        """
        of = self._of[currency]
        elements = {number: f"{int(before.get(number) or 0) + of[number]:010d}" for number in NUMBERS}
        elements |= {number: f"{int(before.get(number) or 0) + of[number]:016d}" for number in SUMS}
        net = _signed(before.get(NET)) + of[CREDITED] + of[DEBITED_REVERSED] - of[DEBITED] - of[CREDITED_REVERSED]
        elements[NET] = f"{'D' if net < 0 else 'C'}{abs(net):016d}"
        return elements

    def differences(self, said: Mapping[int, str], answer: Mapping[int, str]) -> Iterator[str]:
        """What the host has that is not what we said, a sentence each. What it does not tell is not compared."""
        for number in (NET,) if self.is_net_only else SPOKEN:
            theirs = answer.get(number)
            if theirs is None:
                continue
            gap = _signed(theirs) - _signed(said[number])
            if gap:
                yield f"DE {number}: the target has {abs(gap)} {'more' if gap > 0 else 'less'} than we"


def _add(of: Counter[int], number: int, total: int, amount: int) -> None:
    of[number] += 1
    if total:
        of[total] += amount


def _signed(value: str | None) -> int:
    """A figure, or DE 97 with its C or D."""
    if not value:
        return 0
    return int(value) if value.isdigit() else int(value[1:]) * (-1 if value[0] == "D" else 1)
