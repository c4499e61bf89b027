"""What was recorded elsewhere, on its way into a replay: messages without anything that must not travel.

Pure. Three sources: JSON lines of messages, the export of a switch's journal (the same lines), and captures, read in a
dialect. A card number becomes a number of our own making at once, in the order of first appearance, so nothing of it
is left; elements that are secret (tracks, PIN block, chip data, MAC, private data) are dropped, not masked.

A line is an object:

    {"at": "2026-11-24T08:15:30.125Z", "mti": "0100", "card": "tok-81f3", "elements": {"3": "000000", "4": "…", …}}

`at` may be seconds since 1970 instead. `card` is any text that is the same for the same card (a journal's token);
without it DE 2 is taken. Elements are in the canonical form of `Message.get`: text, and upper-case hex.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from loadtest.capture import conversations, packets
from protocols import elements as de
from protocols.dialect import Dialect
from protocols.elements import ELEMENTS, Kind, Sensitivity
from protocols.errors import FormatError, RemoteProtocolError
from protocols.framing import Framer, Framing
from protocols.mti import is_answer, is_known

LINE_MOST: Final = 64 * 1024
#: Kept although it is shown masked: DE 2 is replaced. Everything else that is not open is dropped.
KEPT: Final = frozenset(number for number, one in ELEMENTS.items() if one.sensitivity is Sensitivity.OPEN) - {
    64,
    128,
    53,
}


class RecordingError(ValueError):
    """A line or file that cannot be read. Its number, and never its content."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message, without anything secret. `card`: 0 for the first card that was seen, and so on; None without one."""

    at_s: float
    mti: str
    elements: Mapping[int, str] = field(repr=False)
    card: int | None = None

    @property
    def is_request(self) -> bool:
        return not is_answer(self.mti)


@dataclass(slots=True)
class Cards:
    """Numbers for cards, by first appearance. What a card is known by is forgotten with this."""

    _seen: dict[str, int] = field(default_factory=dict, repr=False)

    def number(self, known_by: str | None) -> int | None:
        return None if not known_by else self._seen.setdefault(known_by, len(self._seen))

    def __len__(self) -> int:
        return len(self._seen)


@dataclass(slots=True)
class Recording:
    """Everything that was read: messages by time, how many cards, and what was passed over."""

    messages: list[Recorded] = field(default_factory=list)
    cards: int = 0
    unreadable: int = 0  # frames that the dialect does not read
    dropped: dict[int, int] = field(default_factory=dict)  # element -> how often it was dropped


def recording_of(messages: Iterable[tuple[float, str, Mapping[int, str], str | None]]) -> Recording:
    """A recording out of (seconds, type, elements, what the card is known by), in any order."""
    recording, cards = Recording(), Cards()
    for at_s, mti, values, known_by in messages:
        for number in values:
            if number not in KEPT and number != de.PAN:
                recording.dropped[number] = recording.dropped.get(number, 0) + 1
        kept = {number: value for number, value in values.items() if number in KEPT}
        recording.messages.append(Recorded(at_s, mti, kept, cards.number(known_by or values.get(de.PAN))))
    recording.messages.sort(key=lambda one: one.at_s)
    recording.cards = len(cards)
    return recording


# --- JSON lines


def from_lines(lines: Iterable[str]) -> Recording:
    """Messages as JSON lines; RecordingError names the first line that is none."""
    return recording_of(_line(text, number) for number, text in enumerate(lines, 1) if text.strip())


def _line(text: str, number: int) -> tuple[float, str, Mapping[int, str], str | None]:
    if len(text) > LINE_MOST:
        raise RecordingError(f"line {number}: longer than {LINE_MOST} characters")
    try:
        entry = json.loads(text)
        at_s, mti = _moment(entry["at"]), entry["mti"]
        values = {int(key): value for key, value in entry.get("elements", {}).items()}
        card = entry.get("card")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise RecordingError(f"line {number}: not an object with at, mti and elements") from None
    if not isinstance(mti, str) or not is_known(mti):
        raise RecordingError(f"line {number}: mti is no message type that is known")
    if not isinstance(card, str | None):
        raise RecordingError(f"line {number}: card is a text")
    for key, value in values.items():
        if key == 1 or key not in ELEMENTS or not isinstance(value, str):
            raise RecordingError(f"line {number}: elements has numbers from 2 to 128 and texts")
        _check(key, value, number)
    return at_s, mti, values, card


def _check(number: int, value: str, line: int) -> None:
    """What cannot be in an element is found here, and not by the host that gets it."""
    element = ELEMENTS[number]
    if element.kind is Kind.N and not (value.isascii() and value.isdigit()):
        raise RecordingError(f"line {line}: DE {number} has digits only")
    longest = element.length * 2 if element.kind is Kind.B else element.length
    if not value or len(value) > longest or not value.isprintable():
        raise RecordingError(f"line {line}: DE {number} has 1 to {longest} characters")


def _moment(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int | float):
        if not 0 <= value < 1e11:
            raise ValueError
        return float(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.timestamp()


# --- captures


def from_capture(data: bytes, dialect: Dialect, framing: Framing, port: int) -> Recording:
    """What was said to a port, in a dialect. CaptureError where it is no capture."""
    unreadable: list[float] = []
    recording = recording_of(_captured(data, dialect, framing, port, unreadable))
    recording.unreadable = len(unreadable)
    return recording


def _captured(
    data: bytes, dialect: Dialect, framing: Framing, port: int, unreadable: list[float]
) -> Iterator[tuple[float, str, Mapping[int, str], str | None]]:
    framers: dict[object, Framer] = {}
    for said in conversations(packets(data), port):
        way = said.source, said.destination
        if said.broken or way not in framers:
            framers[way] = framing.framer()
        try:
            frames = framers[way].feed(said.data)
        except RemoteProtocolError:
            unreadable.append(said.at_s)
            framers.pop(way)  # a capture may begin in the middle of a frame; the next segment begins another
            continue
        for frame in frames:
            try:
                message = dialect.decode(frame)
                yield said.at_s, message.mti, dict(message.items()), None
            except FormatError:
                unreadable.append(said.at_s)
