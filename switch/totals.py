"""Totals for reconciliation: what each participant asked, and what each issuer approved, on each business date.

Pure: journal records in, in their order; figures out. They are added up when somebody asks, out of what
the journal has gained since the last time, so nobody pays for them on the way of a payment.

Counted is what money did, as the 1987 edition has elements for it. Financial messages (02xx) are credits
(DE 3 from 20 to 29), transfers (40 to 49), or else debits; their reversals count and weigh on their own.
Questions (30 to 39) and authorizations (01xx) are counted and weigh nothing: the money of an authorization moves
with its completion. The net amount is credits less debits, reversals the other way round: C or D as the cardholders'
accounts see it. Askers are counted in the currency of the transaction, issuers in that of the holder.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols import elements as de
from protocols.codes import is_approval
from protocols.dialects import dialect_named
from protocols.money import AMOUNT_DIGITS
from protocols.mti import AUTHORIZATION, FINANCIAL, REVERSAL
from switch.ends import LinkEnd, Side
from switch.records import Answered, Owed, Record, Sent

if TYPE_CHECKING:
    from switch.story import Total
    from switch.transaction import Transaction

NUMBER_DIGITS: Final = 10  # DE 74 to 81: n 10
SUM_DIGITS: Final = 16  # DE 86 to 89: n 16; DE 97: x + n 16


class Kind(Enum):
    """What a transaction counts as: the elements of its number and sum, and of its reversals'."""

    CREDIT = (de.CREDITS_NUMBER, de.CREDITS_AMOUNT, de.CREDITS_REVERSAL_NUMBER, de.CREDITS_REVERSAL_AMOUNT)
    DEBIT = (de.DEBITS_NUMBER, de.DEBITS_AMOUNT, de.DEBITS_REVERSAL_NUMBER, de.DEBITS_REVERSAL_AMOUNT)
    TRANSFER = (de.TRANSFER_NUMBER, None, de.TRANSFER_REVERSAL_NUMBER, None)
    INQUIRY = (de.INQUIRIES_NUMBER, None, None, None)
    AUTHORIZATION = (de.AUTHORIZATIONS_NUMBER, None, None, None)


NUMBERS: Final = tuple(range(de.CREDITS_NUMBER, de.AUTHORIZATIONS_NUMBER + 1))
SUMS: Final = tuple(range(de.CREDITS_AMOUNT, de.DEBITS_REVERSAL_AMOUNT + 1))

#: The elements in which totals are spoken, by us and by whoever asks.
SPOKEN: Final = (*NUMBERS, *SUMS, de.NET_SETTLEMENT_AMOUNT)


class Figures:
    """The totals of one participant, on one side, one day, in one currency."""

    __slots__ = ("_of",)

    def __init__(self, of: Mapping[int, int] | None = None) -> None:
        self._of: Counter[int] = Counter(of)

    def add(self, kind: Kind, amount: int, *, reversal: bool = False) -> None:
        """Count one transaction, or one reversal. `amount` is in minor units."""
        number, total = kind.value[2:] if reversal else kind.value[:2]
        if number is not None:
            self._of[number] += 1
        if total is not None:
            self._of[total] += amount

    @property
    def net(self) -> int:
        """Credits less debits, in minor units."""
        of = self._of
        credits = of[de.CREDITS_AMOUNT] + of[de.DEBITS_REVERSAL_AMOUNT]
        return credits - of[de.DEBITS_AMOUNT] - of[de.CREDITS_REVERSAL_AMOUNT]

    def elements(self) -> dict[int, str]:
        """As elements of an answer.

        >>> Figures({88: 500, 76: 1}).elements()[97]
        'D0000000000000500'
        """
        said = {number: f"{self._of[number]:0{NUMBER_DIGITS}d}" for number in NUMBERS}
        said |= {number: f"{self._of[number]:0{SUM_DIGITS}d}" for number in SUMS}
        said[de.NET_SETTLEMENT_AMOUNT] = f"{'D' if self.net < 0 else 'C'}{abs(self.net):0{SUM_DIGITS}d}"
        return said


class Count(NamedTuple):
    """Totals that a story waits for."""

    transaction: Transaction
    link: LinkEnd | None  # that asked; None: it is gone
    asked: Total

    @property
    def account(self) -> Account:
        """Whose totals: an issuer's link asks for what the issuer approved, any other for what it asked."""
        side = Side.ISSUER if self.link is not None and self.link.side is Side.ISSUER else Side.GATEWAY
        return Account(self.transaction.request.participant.id, side, self.asked.day, self.asked.currency)


class Account(NamedTuple):
    """Whose totals, of which day, in which currency (its number)."""

    participant: str
    side: Side
    day: date
    currency: str


def business_date(at: float) -> date:
    """The business date of a moment, in seconds since 1970: the day of UTC."""
    return datetime.fromtimestamp(at, UTC).date()


class Totals:
    """All totals so far. Holds a few numbers for each participant and day, and the requests that are still open."""

    __slots__ = ("_figures", "_open", "_undone", "followed")

    def __init__(self) -> None:
        self.followed = 0  # the last batch of the journal that is in here
        self._figures: defaultdict[Account, Figures] = defaultdict(Figures)
        self._open: dict[int, Sent] = {}
        # Of what was reversed in part, as it was named and as its issuer was told: how much by now.
        self._undone: dict[tuple[int, str], int] = {}

    def of(self, account: Account) -> Figures:
        """The figures of an account; zeros where nothing was counted."""
        return self._figures.get(account) or Figures()

    def take(self, record: Record) -> None:
        """Add one record, in the order of the journal."""
        if isinstance(record, Sent):
            self._open[record.number] = record
        elif isinstance(record, Answered):
            self._answered(record, self._open.pop(record.number, None))
        elif isinstance(record, Owed) and self._open.pop(record.number, None) is None:
            self._unheard(record)

    def _answered(self, record: Answered, sent: Sent | None) -> None:
        kind = record.mti[1]
        if not is_approval(record.response_code):
            return
        if kind == REVERSAL:
            if record.reverses is not None:
                self._reversed(record)
        elif kind in (AUTHORIZATION, FINANCIAL):
            frame, dialect = (sent.frame, sent.dialect) if sent else (record.frame, record.dialect)
            assert frame is not None
            values = dict(dialect_named(dialect).decode(frame).items()) | record.elements
            self._count(record.participant, issuer_of(record), record.at, kind, values)

    def _reversed(self, record: Answered) -> None:
        """In full, or down to what DE 95 leaves: the request says what it undoes."""
        assert record.frame is not None
        values = dict(dialect_named(record.dialect).decode(record.frame).items())
        assert record.reverses is not None
        part = record.left is not None
        undone = self._newly((record.reverses, values.get(de.ORIGINAL) or ""), undone_by(values), part=part)
        kind = (values.get(de.ORIGINAL) or "0")[1:2]
        owed = record.debts[0] if record.debts else None
        self._add(record.participant, Side.GATEWAY, record.at, kind, values, undone, reversal=True)
        if owed is not None:
            told = undone_by(owed.values)
            newly = self._newly((record.reverses, owed.issuer), told, part=part)
            self._owed(owed.issuer, owed.values, record.at, told - newly)

    def _newly(self, of: tuple[int, str], undone: int, *, part: bool) -> int:
        """Of what is undone by now, how much was not before: several parts are never more than the whole."""
        before = self._undone.pop(of, 0)
        if part:
            self._undone[of] = max(before, undone)
        return max(0, undone - before)

    def _unheard(self, record: Owed) -> None:
        """An approval that nobody heard: undone for both ends."""
        for debt in record.debts:
            kind = (debt.values.get(de.ORIGINAL) or "0")[1:2]
            asker = record.key.partition("/")[0]
            self._add(asker, Side.GATEWAY, record.at, kind, debt.values, undone_by(debt.values), reversal=True)
            self._owed(debt.issuer, debt.values, record.at)

    def _owed(self, issuer: str, values: Mapping[int, str], at: float, before: int = 0) -> None:
        """The reversal as its issuer hears it, less what was given back before; a part is in the shop's currency, so
        it is billed in proportion."""
        undone, billed, amount = undone_by(values) - before, billed_of(values), int(values.get(de.AMOUNT) or 0)
        share = undone if billed == amount or not amount else billed * undone // amount
        kind = (values.get(de.ORIGINAL) or "0")[1:2]
        self._add(issuer, Side.ISSUER, at, kind, values, share, reversal=True)

    def _count(self, asker: str, issuer: str | None, at: float, kind: str, values: Mapping[int, str]) -> None:
        self._add(asker, Side.GATEWAY, at, kind, values, int(values.get(de.AMOUNT) or 0))
        if issuer is not None:
            self._add(issuer, Side.ISSUER, at, kind, values, billed_of(values))

    def _add(
        self,
        who: str,
        side: Side,
        at: float,
        kind: str,
        values: Mapping[int, str],
        amount: int,
        *,
        reversal: bool = False,
    ) -> None:
        paid, billed = values.get(de.CURRENCY) or "", values.get(de.BILLING_CURRENCY)
        currency = billed if billed is not None and side is Side.ISSUER else paid
        account = Account(who, side, business_date(at), currency)
        self._figures[account].add(kind_of(kind, values.get(de.PROCESSING_CODE) or ""), amount, reversal=reversal)


def kind_of(message_class: str, processing_code: str) -> Kind:
    """What a transaction counts as.

    >>> [kind_of(*one).name for one in (("2", "000000"), ("2", "200000"), ("1", "000000"), ("1", "310000"))]
    ['DEBIT', 'CREDIT', 'AUTHORIZATION', 'INQUIRY']
    """
    group = processing_code[:1]
    if group == "3":
        return Kind.INQUIRY
    if message_class == AUTHORIZATION:
        return Kind.AUTHORIZATION
    return {"2": Kind.CREDIT, "4": Kind.TRANSFER}.get(group, Kind.DEBIT)


def issuer_of(record: Answered) -> str | None:
    """Who approved, or is told that somebody did."""
    if record.issuer is not None or not record.debts:
        return record.issuer
    return record.debts[0].issuer


def undone_by(values: Mapping[int, str]) -> int:
    """How much a reversal takes back, in the transaction's currency: all, or what DE 95 does not leave."""
    left = values.get(de.REPLACEMENT_AMOUNTS)
    return int(values.get(de.AMOUNT) or 0) - (int(left[:AMOUNT_DIGITS]) if left else 0)


def billed_of(values: Mapping[int, str]) -> int:
    """What the holder is billed: DE 6 where there is one, else DE 4."""
    return int(values.get(de.BILLING_AMOUNT) or values.get(de.AMOUNT) or 0)
