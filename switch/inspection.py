"""Reading a message for a person: every element named and masked, and where it breaks.

Pure: bytes in, rows out. People paste hex from a trace, a frame as text, a capture with its
length headers; they may not know the dialect either. So every way of reading that was not
ruled out is tried, in a fixed order, and the first that reads everything wins; if none does,
the first in which the message begins like one.

Guessing must not betray: read in a wrong dialect, the digits of a card may come to stand in an
element that everybody may see. So of a message that breaks, and does not even begin like one,
no element is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from protocols import dialects, framings
from protocols.dialects import dialect_named
from protocols.elements import ELEMENTS, SECRET_MARK, Element, shown
from protocols.errors import FormatError, RemoteProtocolError
from protocols.framing import FRAME_MAX, framing_named
from protocols.message import Message
from protocols.mti import is_known, title
from protocols.parts import Part, parts_of

BEGINNINGS = frozenset({"format.mti", "format.bitmap"})  # what breaks before there is any element
UNFRAMED = "none"  # the framing of a message that has no length header any more
USUAL_DIALECT, USUAL_FRAMING = "iso87_ascii", "len2"


@dataclass(frozen=True, slots=True)
class Row:
    """One element as a person may see it."""

    number: int
    name: str
    title: str
    value: str
    parts: tuple[Part, ...] = ()  # what it is made of, where it is made of parts


@dataclass(frozen=True, slots=True)
class Break:
    """Where reading stopped, and what DE 44 of an answer would say about it."""

    reason: str
    element: int | None
    offset: int

    def __str__(self) -> str:
        element = None if self.element is None else ELEMENTS.get(self.element)
        where = f" in element {element.number}, {element.title}," if element else ""
        return f"breaks{where} at byte {self.offset}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What can be said about one message."""

    mti: str
    rows: tuple[Row, ...]
    length: int
    broken: Break | None = None
    version: str = "0"  # first digit of the dialect's message types

    @property
    def title(self) -> str:
        """The message type in words."""
        return title(self.mti_of_1987) if self.mti else "no message type"

    @property
    def mti_of_1987(self) -> str:
        """The message type as the network's tables have it, where the dialect is of this message's edition."""
        return f"0{self.mti[1:]}" if self.mti[:1] == self.version else ""

    @property
    def begins_well(self) -> bool:
        """Whether type and bitmap are those of a message of this network."""
        return is_known(self.mti_of_1987) and (self.broken is None or self.broken.reason not in BEGINNINGS)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way of reading what was given, and what it makes of it."""

    form: str
    framing: str
    dialect: str
    messages: tuple[Inspection, ...]
    leftover: str = ""  # why the stream ends before a frame does

    @property
    def is_whole(self) -> bool:
        """Whether everything was read."""
        return bool(self.messages) and not self.leftover and all(one.broken is None for one in self.messages)

    @property
    def rank(self) -> tuple[bool, bool]:
        """How much speaks for this way of reading."""
        begins_well = bool(self.messages) and self.messages[0].begins_well
        return self.is_whole, begins_well


@dataclass(frozen=True, slots=True)
class Given:
    """The bytes that somebody may have meant, and what makes us think so."""

    form: str
    data: bytes


def rows_of(values: Iterable[tuple[int, str]], dictionary: Mapping[int, Element] = ELEMENTS) -> tuple[Row, ...]:
    """The elements of a message for a person, by number; masked as the data dictionary says."""
    return tuple(row_of(number, value, dictionary) for number, value in sorted(values))


def row_of(number: int, value: str, dictionary: Mapping[int, Element] = ELEMENTS) -> Row:
    """
    >>> row_of(2, "9414100000000017").value, row_of(52, "0123456789ABCDEF").value
    ('941410******0017', '[secret]')
    """
    element = dictionary.get(number)
    if element is None:
        return Row(number, "unknown", "not in the data dictionary", SECRET_MARK)
    parts = parts_of(number, value) if element == ELEMENTS[number] else ()
    return Row(number, element.name, element.title, shown(number, value, dictionary), parts)


def inspected(message: Message) -> Inspection:
    """A message that reads."""
    dialect = message.dialect
    rows = rows_of(message.items(), dialect.dictionary)
    return Inspection(message.mti, rows, len(message.header) + len(message.frame), version=dialect.version)


def inspect_frame(dialect: str, frame: bytes) -> Inspection:
    """A frame in one dialect, as far as it reads."""
    spoken = dialect_named(dialect)
    try:
        return inspected(spoken.decode(frame))
    except FormatError as error:
        broken = Break(error.slug, error.element, error.offset)
        begun = Inspection(error.mti or "", (), len(frame), broken, spoken.version)
        return replace(begun, rows=rows_of(error.readable.items(), spoken.dictionary)) if begun.begins_well else begun


def inspect_given(given: Sequence[Given], dialect: str | None = None, framing: str | None = None) -> Reading:
    """The best reading of what was given; a dialect or framing that is named is not guessed at."""
    # max keeps the first of equals, and the usual ways come first
    return max(readings(given, dialect, framing), key=lambda reading: reading.rank)


def readings(given: Sequence[Given], dialect: str | None, framing: str | None) -> Iterator[Reading]:
    """Every way of reading that was not ruled out, the usual ones first."""
    ways = [framing] if framing else [UNFRAMED, *usual_first(framings.names(), USUAL_FRAMING)]
    tongues = [dialect] if dialect else usual_first(dialects.names(), USUAL_DIALECT)
    for one in given:
        for way in ways:
            frames, leftover = cut(one.data, way)
            for tongue in tongues:
                spoken = behind_header(tongue, way)
                messages = tuple(inspect_frame(spoken, frame) for frame in frames)
                yield Reading(one.form, way, tongue, messages, leftover)


def cut(data: bytes, framing: str) -> tuple[list[bytes], str]:
    """The frames in the bytes, and why there is something left, if there is."""
    if framing == UNFRAMED:
        return ([data], "") if data else ([], "nothing to read")
    framer = framing_named(framing).framer()
    try:
        frames = framer.feed(data)
    except RemoteProtocolError as error:
        return [], error.reason
    if framer.broken is not None:
        return frames, framer.broken.reason
    return frames, "the last frame is not whole" if framer.waiting else ""


def behind_header(dialect: str, framing: str) -> str:
    """The dialect as it is where the framing puts something before every message, unless it has its own header.

    >>> behind_header("iso87_ascii", "tpdu"), behind_header("iso87_ascii", "len2")
    ('iso87_ascii+5', 'iso87_ascii')
    """
    length = 0 if framing == UNFRAMED else framing_named(framing).header_length
    return dialect if not length or dialect_named(dialect).header else f"{dialect}+{length}"


def usual_first(names: Iterable[str], usual: str) -> list[str]:
    """
    >>> usual_first(["a", "b", "c"], "b")
    ['b', 'a', 'c']
    """
    return sorted(names, key=lambda name: (name != usual, name))


def meant(text: bytes) -> list[Given]:
    """What bytes somebody may have meant by a text or a file: the hex of them, or themselves.

    >>> [(one.form, one.data) for one in meant(b"08 00\\n")]
    [('hex', b'\\x08\\x00'), ('text', b'08 00')]
    >>> [one.form for one in meant(b"\\x00\\x04ISO!")]
    ['bytes']
    """
    forms = []
    if (data := from_hex(text)) is not None:
        forms.append(Given("hex", data))
    is_text = text.isascii() and text.rstrip(b"\r\n").decode("ascii", "replace").isprintable()
    forms.append(Given("text", text.rstrip(b"\r\n")) if is_text else Given("bytes", text))
    return forms


def from_hex(text: bytes) -> bytes | None:
    """Hex with any spaces, line ends, colons or a leading 0x; None if it is not hex."""
    digits = b"".join(text.replace(b":", b"").split()).removeprefix(b"0x")
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        return None


def document(reading: Reading) -> Mapping[str, object]:
    """A reading as `--json` prints it."""
    return {
        "form": reading.form,
        "framing": reading.framing,
        "dialect": reading.dialect,
        "whole": reading.is_whole,
        "leftover": reading.leftover or None,
        "messages": [message_document(one) for one in reading.messages],
    }


def message_document(one: Inspection) -> Mapping[str, object]:
    """One message as `--json` prints it: masked like everything else."""
    broken = one.broken
    return {
        "mti": one.mti or None,
        "title": one.title,
        "elements": {str(row.number): element_document(row) for row in one.rows},
        "broken": broken and {"reason": broken.reason, "element": broken.element, "offset": broken.offset},
    }


def element_document(row: Row) -> Mapping[str, object]:
    """One element, with its parts where it has some."""
    parts = {"parts": [part_document(part) for part in row.parts]} if row.parts else {}
    return {"name": row.name, "title": row.title, "value": row.value, **parts}


def part_document(part: Part) -> Mapping[str, object]:
    """One part of an element: its value, or the parts that it is made of in its turn."""
    inside = {"parts": [part_document(one) for one in part.parts]} if part.parts else {"value": part.value}
    return {"key": part.key, "title": part.title, **inside}


def nested(parts: Iterable[Part], depth: int = 1) -> Iterator[tuple[int, Part]]:
    """Parts and their parts from top to bottom, each with how deep it lies: for showing them as lines."""
    for part in parts:
        yield depth, part
        yield from nested(part.parts, depth + 1)


INPUT_MAX = 64 * FRAME_MAX  # a capture of one conversation; a whole trace is for other tools
