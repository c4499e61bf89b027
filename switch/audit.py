"""The audit: do the books of the switch and of each issuer tell the same story?

Pure: both books come in as the entries their owners printed (`python -m switch books --json`,
`python -m issuers books NAME --json`), findings go out. Nobody's books are opened here, and
none are mended: a disagreement is shown with both sides, and a person decides.

What must hold for every transaction, by its booking key: an approval is in both books once,
with the same amount in the same currency; what was declined or reversed charges nobody; what
waits in store and forward is not judged until it has been delivered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from protocols.money import Amount, UnknownCurrencyError, currency
from protocols.runtime.exits import FatalError


class State(StrEnum):
    """What became of a transaction, in the eyes of whoever keeps the book."""

    APPROVED = "approved"
    DECLINED = "declined"
    REVERSED = "reversed"
    WAITING = "waiting"  # the switch's only: in flight, or owed to the issuer by store and forward


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction in one book. `amount` is in minor units of `currency`, as the cardholder is charged."""

    key: str
    state: State
    amount: int
    currency: str
    rrn: str = ""
    response_code: str = ""

    def __str__(self) -> str:
        return f"{self.state} {money(self.amount, self.currency)}" if self.state is State.APPROVED else str(self.state)


class BooksError(FatalError):
    """What a party printed is not a book."""


class Finding(StrEnum):
    """The ways in which two books can disagree, in words."""

    MISSING_AT_ISSUER = "the switch approved it, the issuer has never seen it"
    MISSING_AT_SWITCH = "the issuer has seen it, the switch never recorded it"
    DOUBLED_AT_ISSUER = "twice in the issuer's book"
    DOUBLED_AT_SWITCH = "twice in the switch's book"
    UNREVERSED = "no approval at the switch, yet the issuer charges for it"
    NOT_CHARGED = "approved by the switch, yet the issuer does not charge for it"
    AMOUNT = "approved by both, not the same amount"
    CURRENCY = "approved by both, not in the same currency"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One transaction on which two books do not agree, with what each of them says."""

    issuer: str
    key: str
    finding: Finding
    switch_says: str
    issuer_says: str
    rrn: str = ""


@dataclass(frozen=True, slots=True)
class IssuerAudit:
    """The two books of one issuer's transactions, counted and held against each other."""

    issuer: str
    counts: Mapping[State, int]
    switch_totals: Mapping[str, int]  # currency -> sum of approvals in minor units
    issuer_totals: Mapping[str, int]
    disagreements: tuple[Disagreement, ...] = ()
    has_books: bool = True  # False: the issuer's host is not ours, there is nothing to compare with

    @property
    def waiting(self) -> int:
        """How many transactions are still owed to the issuer."""
        return self.counts.get(State.WAITING, 0)


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of a whole network."""

    issuers: tuple[IssuerAudit, ...] = field(default=())

    @property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Every disagreement, issuer by issuer."""
        return tuple(found for issuer in self.issuers for found in issuer.disagreements)

    @property
    def waiting(self) -> int:
        """How many transactions are not settled yet; those of foreign hosts count too."""
        return sum(issuer.waiting for issuer in self.issuers)

    @property
    def agrees(self) -> bool:
        """Whether no two entries contradict each other."""
        return not self.disagreements


#: (the switch says, the issuer says) -> what is wrong; a pair that is not here is in order.
#: None: not in that book. Approved in both is looked at further, for the money.
FINDINGS: Mapping[tuple[State | None, State | None], Finding] = MappingProxyType(
    {
        (State.APPROVED, None): Finding.MISSING_AT_ISSUER,
        (State.APPROVED, State.DECLINED): Finding.NOT_CHARGED,
        (State.APPROVED, State.REVERSED): Finding.NOT_CHARGED,
        (State.DECLINED, State.APPROVED): Finding.UNREVERSED,
        (State.REVERSED, State.APPROVED): Finding.UNREVERSED,
        # Record, then send: what reached an issuer is in the switch's book, whatever became of it.
        (None, State.APPROVED): Finding.MISSING_AT_SWITCH,
        (None, State.DECLINED): Finding.MISSING_AT_SWITCH,
        (None, State.REVERSED): Finding.MISSING_AT_SWITCH,
    }
)

ABSENT = "nothing"


def audit(switch_books: Mapping[str, Sequence[Entry]], issuer_books: Mapping[str, Sequence[Entry] | None]) -> Audit:
    """Hold every issuer's books against the switch's. None for an issuer: its books are not here."""
    names = sorted({*switch_books, *issuer_books})
    return Audit(tuple(audit_issuer(name, switch_books.get(name, ()), issuer_books.get(name)) for name in names))


def audit_issuer(issuer: str, ours: Sequence[Entry], theirs: Sequence[Entry] | None) -> IssuerAudit:
    """Hold one issuer's book against the switch's entries for it."""
    counts = Counter(entry.state for entry in ours)
    if theirs is None:
        return IssuerAudit(issuer, counts, totals(ours), {}, has_books=False)
    return IssuerAudit(issuer, counts, totals(ours), totals(theirs), tuple(compare(issuer, ours, theirs)))


def compare(issuer: str, ours: Sequence[Entry], theirs: Sequence[Entry]) -> Iterable[Disagreement]:
    """Every disagreement between two books, in the order of their keys."""
    switch_by_key, issuer_by_key = by_key(ours), by_key(theirs)
    for key in sorted({*switch_by_key, *issuer_by_key}):
        switch_entries, issuer_entries = switch_by_key.get(key, []), issuer_by_key.get(key, [])
        finding = judge(switch_entries, issuer_entries)
        if finding is not None:
            rrn = switch_entries[0].rrn if switch_entries else ""
            yield Disagreement(issuer, key, finding, said(switch_entries), said(issuer_entries), rrn)


def judge(ours: Sequence[Entry], theirs: Sequence[Entry]) -> Finding | None:
    """What is wrong with one transaction, given all the entries that either book has for it."""
    if len(ours) > 1:
        return Finding.DOUBLED_AT_SWITCH
    if len(theirs) > 1:
        return Finding.DOUBLED_AT_ISSUER
    return judge_pair(ours[0] if ours else None, theirs[0] if theirs else None)


def judge_pair(ours: Entry | None, theirs: Entry | None) -> Finding | None:
    """What is wrong between two entries for the same transaction, or one that has no counterpart."""
    states = (ours.state if ours else None, theirs.state if theirs else None)
    if ours is None or theirs is None or states != (State.APPROVED, State.APPROVED):
        return FINDINGS.get(states)
    # Nothing is nothing in every currency: an account verification charges 0 of whatever was asked.
    if ours.currency != theirs.currency and (ours.amount or theirs.amount):
        return Finding.CURRENCY
    return Finding.AMOUNT if ours.amount != theirs.amount else None


def by_key(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The entries of each transaction; a sound book has one."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.key, []).append(entry)
    return grouped


def totals(entries: Iterable[Entry]) -> dict[str, int]:
    """What was approved, summed per currency."""
    sums: Counter[str] = Counter()
    for entry in entries:
        if entry.state is State.APPROVED:
            sums[entry.currency] += entry.amount
    return dict(sorted(sums.items()))


def said(entries: Sequence[Entry]) -> str:
    """What a book says about one transaction, for a person."""
    return ", ".join(map(str, entries)) or ABSENT


def money(minor: int, code: str) -> str:
    """An amount for a person; a currency nobody knows stays in minor units.

    >>> money(9984, "KWD"), money(120, "???")
    ('9.984 KWD', '120 minor units of ???')
    """
    try:
        return str(Amount(minor, currency(code)))
    except UnknownCurrencyError:
        return f"{minor} minor units of {code}"


def read_entry(document: object) -> Entry:
    """One entry as a book prints it; BooksError names what is wrong with it, not what it holds."""
    if not isinstance(document, dict):
        raise BooksError("an entry is not an object")
    key, state = document.get("key"), document.get("state")
    if not isinstance(key, str) or state not in tuple(State):
        raise BooksError(f"the entry {key} has no key or no known state")
    amount, code = document.get("amount"), document.get("currency")
    if state != State.APPROVED:  # where no money moves, nothing need be said about it
        amount, code = amount or 0, code or ""
    if not isinstance(amount, int) or isinstance(amount, bool) or not isinstance(code, str):
        raise BooksError(f"the entry {key} has no amount in minor units of a currency")
    rrn, response_code = (str(document.get(name) or "") for name in ("rrn", "response_code"))
    return Entry(key, State(state), amount, code, rrn, response_code)


def read_issuer_book(document: object) -> list[Entry]:
    """An issuer's book, as parsed from the JSON it printed."""
    if not isinstance(document, list):
        raise BooksError("a book is an array of entries")
    return [read_entry(entry) for entry in document]


def read_switch_books(document: object) -> dict[str, list[Entry]]:
    """The switch's book, issuer by issuer, as parsed from the JSON it printed."""
    books: dict[str, list[Entry]] = {}
    for raw, entry in zip(document if isinstance(document, list) else (), read_issuer_book(document), strict=True):
        issuer = raw.get("issuer")
        if issuer is None and entry.state is State.DECLINED:
            continue  # declined before an issuer was found: no other book can know it
        if not isinstance(issuer, str):
            raise BooksError(f"the entry {entry.key} names no issuer")
        books.setdefault(issuer, []).append(entry)
    return books
