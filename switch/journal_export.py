"""The journal as lines for other programs: what each record says, without anything that may not be seen.

Pure: a record in, an object for JSON out. A card number becomes its token; of the elements only those that are open
travel, and neither expiry nor the name in DE 43, which nobody who counts needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from protocols import elements as de
from protocols.dialects import dialect_named
from protocols.elements import ELEMENTS, Sensitivity
from switch.records import Answered, Debt, Kind, NewKey, Owed, Parked, Record, Sent, Settled, Started

OPEN: Final = frozenset(number for number, one in ELEMENTS.items() if one.sensitivity is Sensitivity.OPEN) - {
    de.EXPIRY,
    de.CARD_ACCEPTOR_NAME,
}

Token = Callable[[str], bytes]
Line = dict[str, Any]


def line_of(number: int, batch: int, record: Record, token: Token) -> Line:
    """One line: `record` counts from 1 over the whole journal, `batch` is the commit that it came with."""
    head: Line = {"book": "journal", "record": number, "batch": batch, "kind": Kind(record.kind).name.lower()}
    body = _BODIES[type(record)](record, token)
    return head | {"number": record.number, "at": record.at} | {k: v for k, v in body.items() if v is not None}


def holds_a_request(line: Line) -> bool:
    """Whether somebody could ask this again: what a replay is made of, each transaction once."""
    return line["kind"] in ("sent", "answered") and "elements" in line


def _started(record: Started, _: Token) -> Line:
    return {"version": record.version}


def _sent(record: Sent, token: Token) -> Line:
    return {
        "key": record.key,
        "participant": record.participant,
        "mti": record.mti,
        "issuer": record.issuer,
        "stan": record.stan,
        **_request(record.frame, record.dialect, token),
    }


def _answered(record: Answered, token: Token) -> Line:
    return {
        "key": record.key,
        "participant": record.participant,
        "mti": record.mti,
        "issuer": record.issuer,
        "stan": record.stan,
        **({} if record.frame is None else _request(record.frame, record.dialect, token)),
        "response_code": record.response_code,
        "reason": record.reason,
        "approval_code": record.approval_code,
        "rrn": record.rrn,
        "changes": _open(record.elements.items()) or None,
        "stand_in": record.stand_in,
        "reverses": record.reverses,
        "reverses_key": record.reverses_key,
        "left": record.left,
        "tombstone": record.tombstone,
        "debts": [_debt(debt, token) for debt in record.debts],
    }


def _owed(record: Owed, token: Token) -> Line:
    return {"key": record.key, "why": record.why, "debts": [_debt(debt, token) for debt in record.debts]}


def _settled(record: Settled, _: Token) -> Line:
    return {"transaction": record.transaction, "response_code": record.response_code}


def _new_key(record: NewKey, _: Token) -> Line:
    return {"participant": record.participant, "use": record.use, "check_value": record.check_value}


def _parked(record: Parked, _: Token) -> Line:
    return {"parked": record.parked}


_BODIES: Mapping[type[Any], Callable[[Any, Token], Line]] = {
    Started: _started,
    Sent: _sent,
    Answered: _answered,
    Owed: _owed,
    Settled: _settled,
    NewKey: _new_key,
    Parked: _parked,
}


def _request(frame: bytes, dialect: str, token: Token) -> Line:
    """What was asked, as far as it may be told."""
    message = dialect_named(dialect).decode(frame)
    return {"card": _card(message.get(de.PAN), token), "elements": _open(message.items())}


def _debt(debt: Debt, token: Token) -> Line:
    said = {
        "number": debt.number,
        "transaction": debt.transaction,
        "issuer": debt.issuer,
        "mti": debt.mti,
        "stan": debt.stan,
        "card": _card(debt.values.get(de.PAN), token),
        "elements": _open(debt.values.items()),
    }
    return {name: value for name, value in said.items() if value is not None}


def _card(pan: str | None, token: Token) -> str | None:
    return None if pan is None else f"tok-{token(pan).hex()}"


def _open(values: Iterable[tuple[int, str]]) -> dict[str, str]:
    return {str(number): value for number, value in values if number in OPEN}
