"""Frames that the switch writes itself: answers, refusals, rejects; and what of a message may be kept.

Pure: messages in, frames out. Which of them to send is decided in the core.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocols import elements as de
from protocols import mti
from protocols.codec.layout import ECHOED, KEEPABLE
from protocols.codes import PARTIALLY_APPROVED, reason
from protocols.dialect import Dialect
from protocols.errors import FormatError, LocalProtocolError
from protocols.message import Message
from protocols.participant import MATCH_KEYS
from switch.instant import Instant
from switch.records import Answered

#: What a request and its repeat must share; another card, amount, currency or kind is another request (94).
IDENTITY = (de.PAN, de.PROCESSING_CODE, de.AMOUNT, de.CURRENCY)

#: An answer that carries these must agree in them with what was asked, where nothing else is agreed.
MATCHED = MATCH_KEYS


def same_request(first: Message, repeat: Message) -> bool:
    """Whether a message with a known key asks for the same thing."""
    return first.pick(IDENTITY) == repeat.pick(IDENTITY)


def agrees(request: Message, answer: Message, matched: tuple[int, ...] = MATCHED) -> bool:
    """Whether an answer is to this request, as far as it says. A smaller amount may be a partial approval."""
    asked, answered = request.pick(matched), answer.pick(matched)
    if asked == answered:
        return True
    part = answer.get(de.RESPONSE_CODE) == PARTIALLY_APPROVED
    return all(
        theirs is None or theirs == ours or (part and number == de.AMOUNT)
        for number, theirs, ours in zip(matched, answered, asked, strict=True)
    )


def both_keys(request: Message | None, answer: Message) -> dict[str, object]:
    """What the answer says and what was asked, side by side, for the log."""
    asked = {f"asked_de{n}": request.get(n) for n in (de.STAN, *MATCHED)} if request is not None else {}
    return {"mti": answer.mti, **{f"answered_de{n}": answer.get(n) for n in (de.STAN, *MATCHED)}, **asked}


def first_answer(message: Message, record: Answered) -> bytes:
    """The answer that was recorded, put upon this request: the first, or a repeat of it."""
    changes: dict[int, str | None] = {}
    if record.rrn is not None:
        changes[de.RRN] = record.rrn
    if record.approval_code is not None:
        changes[de.APPROVAL_CODE] = record.approval_code
    changes[de.RESPONSE_CODE] = record.response_code
    if record.reason is not None:
        changes[de.REASON] = record.reason
    if not record.elements:
        return message.answered(changes)
    try:
        return message.answered(record.elements | changes)
    except LocalProtocolError:  # what the issuer had to add cannot be said in the asker's dialect
        return message.answered(changes)


def refusal(message: Message, slug: str) -> bytes:
    """An answer that has no record, because nothing happened."""
    return message.answered({de.RESPONSE_CODE: reason(slug).response_code, de.REASON: slug})


def format_refusal(dialect: Dialect, error: FormatError) -> bytes | None:
    """The answer 30 to a request that could not be read whole; None where not even its STAN could."""
    if error.mti is None or not mti.has_answer(error.mti) or de.STAN not in error.readable:
        return None
    values = {number: error.readable[number] for number in ECHOED if number in error.readable}
    values |= {de.RESPONSE_CODE: reason(error.slug).response_code, de.REASON: error.slug}
    try:
        return dialect.encode(mti.answer_to(error.mti), values, error.header)
    except LocalProtocolError:
        return None


def administrative(dialect: Dialect, slug: str, now: Instant, stan: str = "000000", *, header: bytes = b"") -> bytes:
    """0620: a message that cannot be answered in its own kind. `header`: what came before it."""
    values = {de.TRANSMITTED_AT: now.transmitted_at(), de.STAN: stan}
    return dialect.encode("0620", values | {de.RESPONSE_CODE: reason(slug).response_code, de.REASON: slug}, header)


def unknown_type(dialect: Dialect, message: Message, now: Instant) -> bytes:
    """A message type that this network has not, or not on this link. One that has an answer gets it."""
    if mti.has_answer(message.mti):
        return refusal(message, "type.unknown")
    return administrative(dialect, "type.unknown", now, message.get(de.STAN) or "000000", header=message.header)


def kept(message: Message, changes: Mapping[int, str | None]) -> bytes:
    """The message with these changes, less everything that may not be kept."""
    if de.PIN_BLOCK in changes or de.PRIVATE_DATA in changes:
        changes = {number: value for number, value in changes.items() if number in KEEPABLE}
    return message.kept(changes)
