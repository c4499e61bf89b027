"""A replay: recorded messages as a plan of visits, so that a run sends them as it sends any other.

Pure. Messages that belong together are one visit: a request, its repeat, its completion, its reversal, found by DE 90
or by DE 37 and 41. So pairs stay pairs, and a reversal names the message that was really sent, because DE 7, 11, 12,
13, 37 and 90 are made new. Everything else stands as it was recorded, but for what `recording` left behind and the
card, which is one of the deck's. A reversal takes its elements from what was sent, too.

When: as recorded, so many times as fast, at a constant rate, or flat out, which is as fast as the rails allow; pauses
inside a visit are stretched or shortened alike.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from loadtest.customers import Card, Deck
from loadtest.distribution import Distribution
from loadtest.flow import Expect, Pause, Program, Repeat, Reverse, Send
from loadtest.plan import NANO, Plan
from loadtest.recording import Recorded
from protocols import elements as de
from protocols import mti as message_types
from protocols.mti import first_of, has_answer, is_repeat, mti_class

#: Made new, as a scenario's flows have them.
NEW: Final[Mapping[int, str]] = {
    de.TRANSMITTED_AT: "$transmitted_at",
    de.STAN: "$stan",
    de.LOCAL_TIME: "$local_time",
    de.LOCAL_DATE: "$local_date",
    de.RRN: "$rrn",
    de.ORIGINAL: "$original",
}
#: The same for thousands of messages, so they belong to the shape; else every visit would be a program of its own.
SHAPE: Final = (3, 18, 22, 24, 25, 49)
BELONGS_WITHIN_S: Final = 3600.0  # what comes later is a visit of its own
GAP_DIGITS: Final = 2  # of a pause: 1.3 s and 1.32 s are one shape
PROGRAMS_MOST: Final = 60_000
WHY: Final = {"17": "customer_cancel", "22": "malfunction", "68": "timeout"}  # DE 39 of a reversal


class ReplayError(ValueError):
    """A recording that cannot be played."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When visits begin. One of: `speed` times as fast as recorded, or `rate_per_s`."""

    speed: float = 1.0
    rate_per_s: float | None = None


@dataclass(slots=True)
class Visited:
    """Recorded messages that are one visit, in order; the first is a request with an original's numbers."""

    messages: list[Recorded]

    @property
    def at_s(self) -> float:
        return self.messages[0].at_s


@dataclass(frozen=True)
class Replay:
    """Ready to run: the plan, its programs by name, and the values of each visit in the plan's order."""

    plan: Plan
    programs: Mapping[str, Program]
    values: Sequence[Mapping[str, str]] = field(repr=False)
    cards: Sequence[int | None] = field(repr=False)
    left_out: int = 0  # answers, and what has no answer: sign-ons and echoes are the run's own


class Recordeds:
    """Gives a run its visits' values, one after another, as `customers.Customers` does for a mix."""

    def __init__(self, replay: Replay, deck: Deck, fallback: Mapping[str, str]) -> None:
        """`fallback`: what the values of a mix would be, for what a recording does not say."""
        self._replay, self._deck, self._fallback = replay, deck, fallback
        self._next = 0

    def visit(self) -> tuple[dict[str, str], Card]:
        at, self._next = self._next, self._next + 1
        values, number = self._replay.values[at], self._replay.cards[at]
        card = self._deck.card((number or 0) % len(self._deck))
        track = f"{card.pan}={card.expiry}201"
        return {**self._fallback, "pan": card.pan, "expiry": card.expiry, "track_2": track, **values}, card


def visits(messages: Sequence[Recorded]) -> tuple[list[Visited], int]:
    """Messages put together, and how many were left out.

    Requests of network management are left out: a run signs on and echoes by itself.
    """
    found: list[Visited] = []
    known: dict[tuple[str, ...], Visited] = {}
    left_out = 0
    for one in messages:
        if not one.is_request or not has_answer(one.mti) or mti_class(one.mti) == message_types.NETWORK_MANAGEMENT:
            left_out += 1
            continue
        before = next((known[key] for key in _refers_to(one) if key in known), None)
        if before is not None and one.at_s - before.messages[-1].at_s <= BELONGS_WITHIN_S:
            before.messages.append(one)
        else:
            before = Visited([one])
            found.append(before)
        for key in _known_by(one):
            known[key] = before
    return found, left_out


def _known_by(one: Recorded) -> list[tuple[str, ...]]:
    """What later messages may call it by."""
    stan, at = one.elements.get(de.STAN), one.elements.get(de.TRANSMITTED_AT)
    keys: list[tuple[str, ...]] = [("original", first_of(one.mti), stan or "", at or "")]
    if rrn := one.elements.get(de.RRN):
        keys.append(("rrn", rrn, one.elements.get(de.TERMINAL_ID, "")))
    return keys


def _refers_to(one: Recorded) -> list[tuple[str, ...]]:
    """What it says of an earlier message, the surest first."""
    keys: list[tuple[str, ...]] = []
    if original := one.elements.get(de.ORIGINAL):
        mti = first_of(original[:4]) if has_answer(original[:4]) else ""
        keys.append(("original", mti, original[4:10], original[10:20]))
    if is_repeat(one.mti):
        keys.append(_known_by(one)[0])
    is_later = mti_class(one.mti) == message_types.REVERSAL or one.mti[2] in "24"
    if is_later and (rrn := one.elements.get(de.RRN)):
        keys.append(("rrn", rrn, one.elements.get(de.TERMINAL_ID, "")))
    return keys


def replay_of(messages: Sequence[Recorded], pace: Pace) -> Replay:
    """The plan of a replay. ReplayError where there is nothing to send, or too many shapes."""
    found, left_out = visits(messages)
    if not found:
        raise ReplayError("there is no request in it that could be sent again")
    begin, speed = found[0].at_s, pace.speed if pace.rate_per_s is None else 1.0
    programs: dict[str, Program] = {}
    names: dict[tuple[object, ...], int] = {}
    instants, flows = array("q"), array("H")
    for number, visit in enumerate(found):
        at_s = (visit.at_s - begin) / speed if pace.rate_per_s is None else number / pace.rate_per_s
        instants.append(int(at_s * NANO))
        steps = _steps(visit, speed)
        shape = tuple(map(repr, steps))
        if shape not in names:
            if len(names) == PROGRAMS_MOST:
                raise ReplayError(f"more than {PROGRAMS_MOST} different courses of messages; replay a part of it")
            names[shape] = len(names)
            name = _called(visit)
            programs[f"{len(names)}"] = Program(name, name, False, steps, {})
        flows.append(names[shape])
    lasts_s = instants[-1] / NANO + max((_length(visit) / speed for visit in found), default=0.0) + 0.001
    numbers = array("q", range(len(found)))
    plan = Plan(tuple(programs), instants, flows, numbers, lasts_s)
    return Replay(plan, programs, [_values(one) for one in found], [_card(one) for one in found], left_out)


def _steps(visit: Visited, speed: float) -> tuple[Send | Expect | Pause | Reverse | Repeat, ...]:
    steps: list[Send | Expect | Pause | Reverse | Repeat] = []
    for number, one in enumerate(visit.messages):
        if number:
            gap_s = (one.at_s - visit.messages[number - 1].at_s) / speed
            steps.append(Pause(do="pause", for_s=Distribution(fixed=_rounded(gap_s))))
        if number and is_repeat(one.mti) and mti_class(one.mti) != message_types.REVERSAL:
            steps.append(Repeat(do="repeat"))
        elif number and mti_class(one.mti) == message_types.REVERSAL:
            steps.append(Reverse(do="reverse", why=(WHY.get(one.elements.get(39, ""), "customer_cancel"),)))
        else:
            steps.append(Send(do="send", mti=first_of(one.mti), elements=_elements(one, number)))
        steps.append(Expect(do="expect", on_timeout="next"))
    return tuple(steps)


def _elements(one: Recorded, number: int) -> dict[str, str]:
    """Each element new, constant, or out of the visit's values."""
    said: dict[str, str] = {}
    if one.card is not None:
        said[str(de.PAN)] = "$pan"
    for element, value in one.elements.items():
        if element == de.EXPIRY:
            said[str(element)] = "$expiry"
        elif element in NEW:
            said[str(element)] = NEW[element]
        else:
            said[str(element)] = value if element in SHAPE else f"$saved.{number}.{element}"
    return said


def _values(visit: Visited) -> dict[str, str]:
    """What the visit's messages say in elements that are neither new nor part of the shape."""
    values: dict[str, str] = {}
    for number, one in enumerate(visit.messages):
        values |= {f"saved.{number}.{element}": value for element, value in one.elements.items()}
        if not number and de.TERMINAL_ID in one.elements:
            values["terminal_id"] = one.elements[de.TERMINAL_ID]
    return values


def _card(visit: Visited) -> int | None:
    return next((one.card for one in visit.messages if one.card is not None), None)


def _called(visit: Visited) -> str:
    """A name for the report: `0100`, or `0100_0420` of what was taken back."""
    return "_".join(one.mti for one in visit.messages[:4])


def _length(visit: Visited) -> float:
    return visit.messages[-1].at_s - visit.messages[0].at_s


def _rounded(seconds: float) -> float:
    return float(f"{max(seconds, 0.0):.{GAP_DIGITS}g}")
