"""What does this peer speak? Bytes in; ways of reading them out, the best first, each with its reasons.

Pure. A *way* is a framing and a dialect together, which is what a participant's agreement has to
name. Whatever is in the folders of framings and dialects is tried, and headers of every length
that somebody might put in front. Messages are read as the switch reads them, in the network's own
words (`protocols.border`). Which bytes to send is decided in `examination`.

Guessing must not betray: read in a wrong dialect, the digits of a card may come to stand in an
element that everybody may see. So the reasons name elements and bytes by number and never
repeat one, and messages are given out only where every byte was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import cache
from itertools import groupby
from typing import Final

from protocols import dialects, framings
from protocols import elements as de
from protocols.border import spoken
from protocols.codes import NETWORK_MANAGEMENT_TITLES
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.elements import shown
from protocols.errors import FormatError, RemoteProtocolError
from protocols.framing import Framing, framing_named
from protocols.header import BASE_ONE_LENGTH, TPDU_LENGTH, Header
from protocols.message import Message
from protocols.mti import NETWORK_MANAGEMENT, answer_to, has_answer, is_known, mti_class, title
from protocols.translation import NO_VERSION
from switch.inspection import BEGINNINGS, UNFRAMED, Break, Given
from switch.replies import MATCHED

# Asked and named first, because most hosts speak them; all others follow by name.
COMMON_FRAMINGS: Final = ("len2", "len4_ascii", "len4", "tpdu", "len2_incl")
COMMON_DIALECTS: Final = ("iso87_ascii", "iso87_binary", "iso87_ascii_binmap")

LONGEST_HEADER: Final = 32  # of a header that is looked for; the longest we know has 22
TPDU: Final = Header(TPDU_LENGTH, "swap_tpdu", bytes.fromhex("6000000000"))
HEADER_BEGINS: Final[Mapping[int, tuple[bytes, ...]]] = {
    TPDU_LENGTH: (b"\x60", b"\x68"),
    BASE_ONE_LENGTH: (bytes((BASE_ONE_LENGTH,)),),
}
ANY_DAY: Final = date(2000, 1, 1)  # to read with: a message without a year is read without one
FRAMES_LOOKED_AT: Final = 16  # if so many read, the rest will

#: How others open, or greet who knocks. TLS and its alert with their version, because a length may begin like that.
STRANGERS: Final[tuple[tuple[bytes, str], ...]] = (
    *((bytes((kind, 0x03, minor)), "TLS") for kind in (0x15, 0x16) for minor in range(5)),
    *((verb, "HTTP") for verb in (b"HTTP/", b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"CONNECT ")),
    (b"PRI * HTTP/2", "HTTP"),
    (b"SSH-", "SSH"),
    (b"220 ", "a mail or file server"),
    (b"-ERR ", "Redis"),
)


class Fit(IntEnum):
    """How far the bytes read."""

    NOT = 0
    BEGINS = 1  # message type and bitmap are those of a message; an element breaks
    READS = 2


@dataclass(frozen=True, slots=True)
class Way:
    """A framing and a dialect, as an agreement names them."""

    framing: str
    dialect: str
    keep_alive: bool = False

    def __str__(self) -> str:
        return f"{self.framing} and {self.dialect}"

    def framed(self) -> Framing:
        """The framing, to pack and cut frames."""
        return framing_named(self.framing, keep_alive=self.keep_alive)

    def spoken(self, today: date = ANY_DAY) -> Dialect:
        """The dialect as the switch speaks it over that framing. Only what writes a date needs to know the day."""
        return _spoken(self.framing, self.dialect, today)

    @property
    def header_length(self) -> int:
        """Bytes in front of each message."""
        header = _headed(self.framing, self.dialect).header
        return header.length if header else 0


@cache  # a few hundred ways, and a border is made for many of them
def _spoken(framing: str, dialect: str, today: date) -> Dialect:
    return spoken(_headed(framing, dialect), lambda: today)


@cache
def _headed(framing: str, dialect: str) -> Dialect:
    """The dialect with the framing's header in front. One that brings a header along keeps its own."""
    plain = dialect_named(dialect)
    length = 0 if framing == UNFRAMED else framing_named(framing).header_length
    if not length or plain.header is not None:
        return plain
    return plain.headed(TPDU if framing == "tpdu" else Header(length))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way of reading the bytes, and what speaks for it and against it."""

    way: Way
    fit: Fit
    reasons: tuple[str, ...]
    messages: tuple[Message, ...] = ()  # only where everything reads
    waiting: int = 0  # bytes of a frame that is not whole yet
    is_known: bool = False  # the types are those of messages of this network
    is_dated: bool = False  # DE 7 is a moment of the calendar
    header_fit: int = 0  # whether a header of that kind begins so: 1 and -1; 0 where only its length is known

    @property
    def rank(self) -> tuple[int, bool, bool, bool, bool, int, int]:
        """What speaks for it, heaviest first; of equals the commoner stays in front."""
        return (
            self.fit,
            self.is_known,
            not self.waiting,
            self.is_dated,
            not self.way.keep_alive,
            self.header_fit,
            -self.way.header_length,
        )


def candidates(data: bytes, today: date = ANY_DAY, more: Iterable[Way] = ()) -> list[Candidate]:
    """Every way of reading the bytes, which begin a stream, the best first; messages are as of today, to be answered.

    `more`: ways that are not everybody's, because somebody brought a dialect of his own.

    >>> echo = bytes.fromhex("0800822000000000000004000000000000001123205144000001301".encode().hex())
    >>> str(candidates(bytes((0, len(echo))) + echo)[0].way)
    'len2 and iso87_ascii'
    """
    ways = all_ways()
    tried = list(_read(data, [*ways, *(way for way in more if way not in ways)], today))
    if not any(one.fit is Fit.READS for one in tried):
        tried += _read(data, ways_behind_headers(), today)
    return sorted(tried, key=lambda one: one.rank, reverse=True)  # sorting keeps equals in their order


def fitting(found: Sequence[Candidate]) -> list[Candidate]:
    """Those that nothing tells apart from the best, if the best reads at all."""
    return [one for one in found if one.fit is Fit.READS and one.rank == found[0].rank]


def unframed(data: bytes) -> list[Candidate]:
    """The same for a message whose length header somebody has taken off."""
    frames = [data] if data else []
    tried = [_judged(frames, Way(UNFRAMED, name)) for name in dialect_names()]
    if not any(one.fit is Fit.READS for one in tried):
        headed = (f"{name}+{length}" for name in dialect_names() for length in range(1, LONGEST_HEADER + 1))
        tried += [_judged(frames, Way(UNFRAMED, name)) for name in headed]
    return sorted(tried, key=lambda one: one.rank, reverse=True)


def guesses(
    given: Iterable[Given], framing: str | None = None, dialect: str | None = None
) -> list[tuple[str, Candidate]]:
    """Whatever somebody may have meant, in every form, with and without a length header: the best first."""
    tried = [
        (one.form, found)
        for one in given
        for found in (*unframed(one.data), *candidates(one.data))
        if framing in (None, found.way.framing) and dialect in (None, found.way.dialect)
    ]
    return sorted(tried, key=lambda guess: guess[1].rank, reverse=True)


def all_ways(framing: str | None = None, dialect: str | None = None) -> list[Way]:
    """Every framing with every dialect, the commonest first; what is named is not guessed at.

    A dialect that brings its header along is not tried behind another one. Raises LocalProtocolError
    where there is no such framing or dialect.
    """
    return [
        Way(framed, name)
        for framed in ([framing] if framing else framing_names())
        for name in ([dialect] if dialect else dialect_names())
        if framing_named(framed).header_length == 0 or dialect_named(name).header is None
    ]


def framing_names() -> list[str]:
    """What is in the folder: all that can be asked without having seen anything."""
    return _common_first(framings.names(), COMMON_FRAMINGS)


def dialect_names() -> list[str]:
    """What is in the folder."""
    return _common_first(dialects.names(), COMMON_DIALECTS)


def ways_behind_headers() -> Iterator[Way]:
    """Headers of every other length; and zero lengths as signs of life."""
    yield from (Way(way.framing, way.dialect, keep_alive=True) for way in all_ways())
    for name in (f"header({length})" for length in range(1, LONGEST_HEADER + 1)):
        if name not in framings.names():
            yield from all_ways(framing=name)


def stranger(data: bytes) -> str | None:
    """What other protocol the bytes open.

    >>> stranger(b"HTTP/1.1 400 Bad Request"), stranger(bytes.fromhex("15030100020246")), stranger(b"0810")
    ('HTTP', 'TLS', None)
    """
    return next((name for opening, name in STRANGERS if data.startswith(opening)), None)


# ---- One way ----


def _read(data: bytes, ways: Iterable[Way], today: date) -> Iterator[Candidate]:
    """The bytes, cut once for each framing and read in each of its dialects."""
    for (framing, keep_alive), same in groupby(ways, key=lambda way: (way.framing, way.keep_alive)):
        frames, waiting, fault = _cut(data, framing_named(framing, keep_alive=keep_alive))
        for way in same:
            yield _judged(frames, way, waiting, today) if not fault else Candidate(way, Fit.NOT, (fault,))


def _cut(data: bytes, framing: Framing) -> tuple[list[bytes], int, str]:
    """The frames, how many bytes wait for the rest of one, and why there are none."""
    framer = framing.framer()
    try:
        frames = framer.feed(data)
    except RemoteProtocolError as error:
        return [], 0, error.reason
    if framer.broken is not None:
        return [], 0, framer.broken.reason
    return frames, framer.waiting, "" if frames else f"no frame is whole after {len(data)} bytes"


def _judged(frames: Sequence[bytes], way: Way, waiting: int = 0, today: date = ANY_DAY) -> Candidate:
    dialect = way.spoken(today)
    messages: list[Message] = []
    for frame in frames[:FRAMES_LOOKED_AT]:
        try:
            messages.append(dialect.decode(frame))
        except FormatError as error:
            return _broken(error, way, len(messages))
    if not messages:
        return Candidate(way, Fit.NOT, ("nothing to read",))
    if any(message.mti.startswith(NO_VERSION) for message in messages):
        return Candidate(way, Fit.NOT, ("a message type of another edition of ISO 8583",))
    known = all(is_known(message.mti) for message in messages)
    dated = all(is_moment(message.transmitted_at) for message in messages)
    reasons = [_counted(messages), "every byte is accounted for"]
    if not known:
        reasons.append("a message type that this network does not have")
    if waiting:
        reasons.append(f"{waiting} bytes wait for the rest of their frame")
    if way.keep_alive:
        reasons.append("with lengths of zero taken for signs of life")
    if way.header_length:
        reasons.append(f"behind a header of {way.header_length} bytes")
    fits_header = _header_fit(way, frames[0])
    return Candidate(way, Fit.READS, tuple(reasons), tuple(messages), waiting, known, dated, fits_header)


def _header_fit(way: Way, frame: bytes) -> int:
    """A TPDU and a base-one header have a first byte of their own; of a header that has only a length nobody knows."""
    if way.framing != "tpdu" and dialect_named(way.dialect).header is None:
        return 0
    return 1 if frame[:1] in HEADER_BEGINS.get(way.header_length, ()) else -1


def _broken(error: FormatError, way: Way, before: int) -> Candidate:
    begins = error.slug not in BEGINNINGS and is_known(error.mti or "")
    reasons = [str(Break(error.slug, error.element, error.offset))]
    if begins:
        reasons.insert(0, f"{error.mti} {title(error.mti or '')}")
    if before:
        reasons.insert(0, f"{before} messages read")
    return Candidate(way, Fit.BEGINS if begins else Fit.NOT, tuple(reasons), is_known=begins)


def _counted(messages: Sequence[Message]) -> str:
    first = f"{messages[0].mti} {title(messages[0].mti)}"
    return first if len(messages) == 1 else f"{first} and {len(messages) - 1} more"


def is_moment(text: str | None) -> bool:
    """Whether DE 7 can be one: MMDDhhmmss.

    >>> is_moment("1123205144"), is_moment("3030303030"), is_moment(None)
    (True, False, False)
    """
    if text is None or len(text) != 10 or not (text.isascii() and text.isdigit()):
        return False
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 10, 2))
    return 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60


def is_management(message: Message) -> bool:
    """Whether it asks about the link: an echo, a sign-on."""
    return has_answer(message.mti) and mti_class(message.mti) == NETWORK_MANAGEMENT


def management_title(message: Message) -> str:
    """An echo, a sign-on, or what the type says."""
    code = message.network_management_code or ""
    return NETWORK_MANAGEMENT_TITLES.get(code) or title(message.mti)


# ---- Is it the answer? ----


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of what an answer is known by: what was asked, and what came, as a person may see them."""

    name: str
    asked: str
    answered: str
    is_decisive: bool  # the switch compares it

    @property
    def agrees(self) -> bool:
        return self.asked == self.answered


ABSENT: Final = "–"
#: What a person looks at when an answer "times out"; those the switch compares come from its own table.
KEY: Final = (de.TRANSMITTED_AT, de.STAN, de.TERMINAL_ID, de.AMOUNT, de.NETWORK_MANAGEMENT_CODE)


def keys_side_by_side(asked: Message, answer: Message) -> list[KeyPart]:
    """Both keys, part by part. What neither carries is left out; what the answer leaves out counts where it must be."""
    parts = [KeyPart("MTI", answer_to(asked.mti), answer.mti, is_decisive=True)]
    for number in KEY:
        ours, theirs = asked.get(number), answer.get(number)
        if ours is None and theirs is None:
            continue
        decisive = number == de.STAN or (number in MATCHED and theirs is not None)
        parts.append(KeyPart(f"DE {number}", _seen(number, ours), _seen(number, theirs), decisive))
    return parts


def is_taken(parts: Iterable[KeyPart]) -> bool:
    """Whether the switch would take the answer for the answer to what was asked."""
    return all(part.agrees for part in parts if part.is_decisive)


def why_not_taken(parts: Iterable[KeyPart]) -> str:
    """What differs, in words."""
    wrong = [part.name for part in parts if part.is_decisive and not part.agrees]
    return f"{' and '.join(wrong)} of the answer {'is' if len(wrong) == 1 else 'are'} not what was asked"


def _seen(number: int, value: str | None) -> str:
    return ABSENT if value is None else shown(number, value)


# ---- What to write into an agreement ----


def agreement(way: Way, settings: Mapping[str, str | bool], remark: str) -> str:
    """The participant's file: what was found, and what only its owner can know to be filled in.

    >>> print(agreement(Way("len2", "iso87_ascii"), {"dial": "127.0.0.1:8601"}, "found at noon"))
    # found at noon; id, name and institution_id are yours to fill in
    id = "newcomer"
    name = "Newcomer"
    roles = ["issuer"]
    institution_id = "000000"
    dialect = "iso87_ascii"
    framing = "len2"
    dial = "127.0.0.1:8601"
    """
    known: dict[str, str | bool] = {"institution_id": "000000", "dialect": way.dialect, "framing": way.framing}
    if way.keep_alive:
        known["keep_alive"] = True
    known |= settings
    roles = "issuer" if "dial" in known else "gateway"
    heading = f"# {remark}; id, name and institution_id are yours to fill in"
    lines = [heading, 'id = "newcomer"', 'name = "Newcomer"', f'roles = ["{roles}"]']
    return "\n".join([*lines, *(f"{name} = {_toml(value)}" for name, value in known.items())])


def _toml(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


# ---- Folders ----


def _common_first(names: Iterable[str], common: Sequence[str]) -> list[str]:
    """
    >>> _common_first(["a", "b", "c"], ["c", "x"])
    ['c', 'a', 'b']
    """
    return sorted(names, key=lambda name: (common.index(name) if name in common else len(common), name))
