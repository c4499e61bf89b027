"""One transaction, told leg by leg: who said what to whom, when, with every element that may be seen.

Pure: the records of one transaction in, legs out. What the journal does not keep (tracks, PIN blocks, codes) cannot be
shown; what it keeps goes through the data dictionary, so a card number comes out masked. The frame on record is the one
that went to the issuer; that its asker used another STAN is told from the transaction's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from protocols import elements as de
from protocols import mti as types
from protocols.codes import REVERSAL_REASONS, known_reason, response_title
from protocols.elements import ELEMENTS, printable, shown
from protocols.message import Message
from switch.console.lines import SILENT, Line, of_past, stan_of
from switch.memory import Past
from switch.records import Answered, Debt, Owed, Record, Settled

#: What the switch adds for the issuer: the amount in the card's currency, and the number of its own.
OURS: Final = frozenset({de.STAN, de.BILLING_AMOUNT, de.BILLING_RATE, de.CONVERSION_DATE, de.BILLING_CURRENCY})

TITLES: Final = {
    "1": "authorization",
    "2": "financial message",
    "4": "reversal",
    "5": "reconciliation",
    "6": "administrative message",
    "8": "network management",
}


class Way(StrEnum):
    """Between whom, and in which direction."""

    IN = "in"  # asker to switch
    OUT = "out"  # switch to issuer
    BACK = "back"  # issuer to switch
    ANSWER = "answer"  # switch to asker
    HERE = "here"  # at the switch


@dataclass(frozen=True, slots=True)
class Shown:
    """An element as a person may see it."""

    number: int
    title: str
    value: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Leg:
    """One step."""

    way: Way
    at: float | None
    title: str  # the message type, or what happened
    says: str
    mood: str = ""  # good, bad, wait
    elements: tuple[Shown, ...] = ()
    is_missing: bool = False  # what should have come and did not

    @property
    def clock(self) -> str:
        return "" if self.at is None else datetime.fromtimestamp(self.at, UTC).strftime("%H:%M:%S.%f")[:-3]


@dataclass(frozen=True, slots=True)
class Telling:
    """All of it."""

    line: Line
    legs: tuple[Leg, ...]


def tell(past: Past, others: Iterable[Record], owed_stans: Mapping[str, Iterable[str]]) -> Telling | None:
    """The story of a transaction. `others`: what the journal's trail says about it; `owed_stans`: what is still owed,
    by issuer. None where its record cannot be read any more."""
    line = of_past(past)
    if line is None:
        return None
    legs = [*_asked(past), *_answered(past)]
    legs += _afterwards(past, list(others), owed_stans)
    return Telling(line, tuple(legs))


def _asked(past: Past) -> Iterable[Leg]:
    message, mti = past.message, past.mti
    own = {number: value for number, value in message.items() if number not in OURS} | {de.STAN: stan_of(past.key)}
    yield Leg(Way.IN, past.at, f"{mti} {title_of(mti)}", "as its asker sent it", elements=elements(own))
    if past.sent is not None:
        said = f"on its way to {past.sent.issuer}, under the switch's own number {past.sent.stan}"
        yield Leg(Way.OUT, past.sent.at, f"{mti} {title_of(mti)}", said, elements=of_message(message))


def _answered(past: Past) -> Iterable[Leg]:
    answered = past.answered
    if answered is None:
        yield Leg(Way.BACK, None, "no answer yet", "the issuer is still waited for", "wait", is_missing=True)
        return
    approved = not past.declined
    mood = "good" if approved else "bad"
    answer = types.answer_to(past.mti) if types.has_answer(past.mti) else past.mti
    told = said_by(answered)
    if past.sent is not None:
        yield _from_issuer(past, answered, answer, mood, told)
    elif answered.stand_in:
        yield Leg(
            Way.OUT, None, "issuer not there", f"no link to {answered.issuer or 'its issuer'}", "wait", is_missing=True
        )
    if answered.stand_in:
        yield Leg(Way.HERE, answered.at, "stood in", "approved by the switch in its issuer's place", "wait")
    elif past.sent is None:
        yield Leg(Way.HERE, answered.at, "decided here", told, mood)
    yield Leg(Way.ANSWER, answered.at, f"{answer} {answered.response_code}", told, mood, elements(answer_of(answered)))


def _from_issuer(past: Past, answered: Answered, answer: str, mood: str, told: str) -> Leg:
    if answered.stand_in or answered.reason in SILENT or answered.reason == "mac.invalid":
        return Leg(Way.BACK, None, "no answer in time", "what the issuer did is unknown", "bad", is_missing=True)
    if answered.reason == "reversed.first":
        return Leg(Way.BACK, None, "not waited for", "its asker took it back first", "wait", is_missing=True)
    return Leg(Way.BACK, answered.at, f"{answer} {answered.response_code}", told, mood, elements(answer_of(answered)))


def _afterwards(past: Past, others: list[Record], owed_stans: Mapping[str, Iterable[str]]) -> list[Leg]:
    """What was owed because of it, and who undid it."""
    settled = {one.number: one for one in others if isinstance(one, Settled)}
    legs: list[Leg] = []
    seen: set[int] = set()

    def owe(debt: Debt, at: float, why: str) -> None:
        if debt.number in seen:
            return
        seen.add(debt.number)
        said = f"{why}, owed to {debt.issuer} as number {debt.stan} until it says yes"
        legs.append(Leg(Way.OUT, at, f"{debt.mti} {title_of(debt.mti)}", said, "wait", elements(debt.values)))
        answer = types.answer_to(debt.mti)
        if (done := settled.get(debt.number)) is not None:
            words = f"taken, {done.response_code}"
            legs.append(Leg(Way.BACK, done.at, f"{answer} {done.response_code}", words, "good"))
        elif debt.stan in owed_stans.get(debt.issuer, ()):
            legs.append(Leg(Way.BACK, None, f"{answer} outstanding", "in store and forward", "wait", is_missing=True))
        else:
            legs.append(Leg(Way.BACK, None, answer, "taken", "good"))

    for debt in past.answered.debts if past.answered else ():
        assert past.answered is not None
        owe(debt, past.answered.at, "told afterwards" if debt.mti in ("0120", "0220") else "undone")
    for record in others:
        if isinstance(record, Owed):
            known = REVERSAL_REASONS.get(record.why)
            legs.append(Leg(Way.HERE, record.at, "undone by the switch", known.title if known else record.why, "bad"))
            for debt in record.debts:
                owe(debt, record.at, "undone")
        elif isinstance(record, Answered) and record.reverses == past.number:
            part = "taken back in part" if record.left is not None else "taken back by its asker"
            legs.append(Leg(Way.IN, record.at, f"{record.mti} {title_of(record.mti)}", part, "wait"))
            for debt in record.debts:
                owe(debt, record.at, "undone")
    return legs


def said_by(answered: Answered) -> str:
    """The outcome in a few words."""
    if answered.reason:
        known = known_reason(answered.reason)
        return f"{printable(answered.reason)}: {known.title if known else response_title(answered.response_code)}"
    return response_title(answered.response_code).lower()


def answer_of(answered: Answered) -> dict[int, str]:
    """The elements that an answer adds to its request."""
    named = {
        de.RRN: answered.rrn,
        de.APPROVAL_CODE: answered.approval_code,
        de.RESPONSE_CODE: answered.response_code,
        de.REASON: answered.reason,
    }
    return answered.elements | {number: value for number, value in named.items() if value is not None}


def title_of(mti: str) -> str:
    """A message type in words.

    >>> title_of("0100"), title_of("0120"), title_of("0421")
    ('authorization', 'authorization advice', 'reversal advice, repeated')
    """
    words = TITLES.get(mti[1], "message")
    function = mti[2]
    if function in "23" and mti[1] != "8":
        words += " advice"
    if function in "13":
        words += ", answer"
    return f"{words}, repeated" if mti[3] == "1" else words


def of_message(message: Message) -> tuple[Shown, ...]:
    return elements(dict(message.items()))


def elements(values: Mapping[int, str]) -> tuple[Shown, ...]:
    """Each with its name, as it may be seen."""
    return tuple(_shown(number, values[number]) for number in sorted(values))


def _shown(number: int, value: str) -> Shown:
    element = ELEMENTS.get(number)
    seen = shown(number, value)
    return Shown(number, element.title if element else "unknown", seen, seen != printable(value))
