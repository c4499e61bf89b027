"""A transaction on one line: who asked whom for what, and how it ended.

Pure: records that the core remembers anyway in, values that may be shown out. A card number is masked here, before any
page sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Final

from protocols import elements as de
from protocols.codes import APPROVED, PARTIALLY_APPROVED, known_reason, response_title, transaction_type
from protocols.elements import printable
from protocols.errors import FormatError
from protocols.money import Amount, UnknownCurrencyError, currency_numbered
from protocols.pan import masked
from switch.core import Core
from switch.lane import Plain
from switch.memory import REVERSED, UNDELIVERED, Past
from switch.transaction import Transaction

LOOKED_AT: Final = 2000  # of what is remembered, when something is looked for
SILENT: Final = frozenset({"issuer.timeout", "issuer.down", "stan.exhausted", "hsm.down"})

KINDS: Final = {"1": "authorization", "2": "payment", "4": "reversal", "5": "reconciliation", "6": "administration"}


class Outcome(StrEnum):
    """How a transaction stands, in one word."""

    OPEN = "open"
    APPROVED = "approved"
    STOOD_IN = "stood in"
    DECLINED = "declined"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Line:
    """What the list shows."""

    key: str
    number: int
    at: float
    participant: str
    issuer: str
    mti: str
    kind: str
    card: str
    amount: str
    outcome: Outcome
    response_code: str
    reason: str
    why: str  # the reason in words
    rrn: str
    stan: str
    took_ms: float | None  # from the request on its way to the answer recorded

    @property
    def day(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d")

    @property
    def clock(self) -> str:
        return clock(self.at)

    @property
    def machine_time(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def tells(self, words: str) -> bool:
        """Whether it has what somebody looks for in it: a reference, a number, a party, a reason."""
        told = (self.rrn, self.stan, self.key, self.participant, self.issuer, self.reason, self.mti, self.card)
        return any(words.lower() in one.lower() for one in told)


def latest(core: Core, count: int, *, outcome: str = "", words: str = "") -> list[Line]:
    """The last ones, the newest first; those in flight before all."""
    found = (line for line in _all(core) if (not outcome or line.outcome == outcome) and line.tells(words))
    return list(islice(found, count))


def _all(core: Core) -> Iterator[Line]:
    for key in list(islice(reversed(core.in_flight), LOOKED_AT)):
        if (line := of_open(core.in_flight[key])) is not None:
            yield line
    for key in list(islice(core.memory.recent(), LOOKED_AT)):
        past = core.memory.recall(key)
        if past is not None and (line := of_past(past)) is not None:
            yield line


def of_open(transaction: Transaction) -> Line | None:
    """One that waits. What it asks is read from its record; one in the lane is not made a story by looking at it."""
    if transaction.sent is not None:
        return of_past(Past(transaction.key, transaction.sent, None))
    if isinstance(transaction, Plain):
        return None  # between its frame and its record: gone before anybody sees it
    request = transaction.request
    get = request.message.get
    return Line(
        key=transaction.key,
        number=transaction.number,
        at=request.received_at,
        participant=request.participant.id,
        issuer=request.issued.issuer if request.issued else "",
        mti=request.mti,
        kind=kind_of(request.mti, get(de.PROCESSING_CODE) or ""),
        card=masked(request.card_number),
        amount=money(get(de.AMOUNT), get(de.CURRENCY)),
        outcome=Outcome.OPEN,
        response_code="",
        reason="",
        why="",
        rrn=printable(get(de.RRN) or ""),
        stan=stan_of(transaction.key),
        took_ms=None,
    )


def of_past(past: Past) -> Line | None:
    """One that is remembered, or that was sent and waits; None where its record cannot be read any more."""
    record = past.answered or past.sent
    assert record is not None
    try:
        get = past.message.get
    except FormatError:  # a dialect of the network's own has changed
        return None
    answered = past.answered
    code = answered.response_code if answered else ""
    known = known_reason(answered.reason) if answered and answered.reason else None
    stated = printable(answered.reason or "") if answered else ""
    took = (answered.at - past.sent.at) * 1000 if answered and past.sent else None
    return Line(
        key=past.key,
        number=past.number,
        at=past.at,
        participant=record.participant,
        issuer=record.issuer or "",
        mti=record.mti,
        kind=kind_of(record.mti, get(de.PROCESSING_CODE) or ""),
        card=masked(get(de.PAN) or ""),
        amount=money(get(de.AMOUNT), get(de.CURRENCY)),
        outcome=outcome_of(past),
        response_code=printable(code),
        reason=stated,
        why=known.title if known else response_title(code) if answered else "",
        rrn=printable((answered.rrn if answered else None) or get(de.RRN) or ""),
        stan=stan_of(past.key),
        took_ms=took,
    )


def outcome_of(past: Past) -> Outcome:
    if past.reversed_by in (REVERSED, UNDELIVERED):
        return Outcome.REVERSED
    if past.answered is None:
        return Outcome.OPEN
    if past.answered.stand_in:
        return Outcome.STOOD_IN
    approved = past.answered.response_code in (APPROVED, PARTIALLY_APPROVED)
    return Outcome.APPROVED if approved else Outcome.DECLINED


def kind_of(mti: str, processing_code: str) -> str:
    """In words.

    >>> kind_of("0100", "010000"), kind_of("0420", "000000"), kind_of("0100", "990000")
    ('cash', 'reversal', 'authorization')
    """
    if mti[1] in "12":
        return (transaction_type(processing_code) or KINDS[mti[1]]).replace("_", " ")
    return KINDS.get(mti[1], "message")


def stan_of(key: str) -> str:
    """DE 11 as its asker knows it.

    >>> stan_of("lab/1/1118110640000001LAB00001")
    '000001'
    """
    return printable(key.split("/", 2)[2][10:16])


def clock(at: float) -> str:
    """The time of day, UTC.

    >>> clock(1_795_000_000.0)
    '11:06:40'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def money(amount: str | None, currency: str | None) -> str:
    """With its currency; what has no currency that we know, as it stands.

    >>> money("000000012000", "784"), money(None, "784"), money("000000000100", "000")
    ('120.00 AED', '', '100')
    """
    if not amount or not amount.isascii() or not amount.isdigit():
        return ""
    try:
        return str(Amount(int(amount), currency_numbered(currency or "")))
    except UnknownCurrencyError:
        return str(int(amount))
