"""The doctor's part that thinks: which ways of speaking to try on a host, and what an answer means for the match key.

Pure: what to send comes out, what was heard goes in. Who connects is `commands/doctor`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadtest.explain import Match, explained, key_for
from protocols import dialects, elements, framings
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.errors import FormatError, RemoteProtocolError
from protocols.framing import Framing, framing_named
from protocols.header import Header
from protocols.message import Message
from protocols.mti import answer_to
from protocols.recognition import stranger

FRAMINGS_FIRST: Final = ("len2", "len4_ascii", "len4", "tpdu", "len2_incl")  # what most hosts speak
DIALECTS_FIRST: Final = ("iso87_ascii", "iso87_binary", "iso87_ascii_binmap")
ECHO_REQUEST: Final = "0800"
TPDU: Final = Header(5, "swap_tpdu", bytes.fromhex("6000000000"))


@dataclass(frozen=True, slots=True)
class Way:
    """A framing and a dialect, as a scenario's `[target]` names them."""

    framing: str
    dialect: str

    def framed(self) -> Framing:
        return framing_named(self.framing)

    def spoken(self) -> Dialect:
        """The dialect with the framing's header in front."""
        plain, length = dialect_named(self.dialect), self.framed().header_length
        if not length or plain.header is not None:
            return plain
        return plain.headed(TPDU if self.framing == "tpdu" else Header(length))

    def __str__(self) -> str:
        return f"framing {self.framing}, dialect {self.dialect}"


class Heard(StrEnum):
    """What a host did with our question."""

    ANSWERED = "answered"
    UNREADABLE = "said something that does not read so"
    STRANGER = "speaks another protocol"
    SILENT = "said nothing"
    CLOSED = "closed the connection"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way, tried."""

    way: Way
    heard: Heard
    asked: Message | None = None
    answer: Message | None = None
    note: str = ""


def ways(framing: str | None = None, dialect: str | None = None) -> Iterator[Way]:
    """All ways, the commonest first; what is known is not guessed at. A dialect with a header of its own needs none."""
    for one in _first(dialects.names(), DIALECTS_FIRST) if dialect is None else [dialect]:
        for other in _first(framings.names(), FRAMINGS_FIRST) if framing is None else [framing]:
            if dialect_named(one).header is None or framing_named(other).header_length == 0:
                yield Way(other, one)


def question(way: Way, values: Mapping[int, str]) -> tuple[bytes, Message]:
    """The echo in this way: the bytes to send, and the message in them."""
    spoken = way.spoken()
    mti = spoken.version + ECHO_REQUEST[1:]
    wanted = dict(values)
    if spoken.version != "0":  # 1993 has a function code for what 1987 says in DE 70
        wanted = {number: value for number, value in values.items() if number != elements.NETWORK_MANAGEMENT_CODE}
        wanted |= {24: "831", 12: f"261124{values[elements.TRANSMITTED_AT][4:]}"}
    frame = spoken.encode(mti, wanted)
    return way.framed().pack(frame), spoken.decode(frame)


def attempted(way: Way, asked: Message, data: bytes, *, closed: bool) -> Attempt:
    """What the bytes that came back mean in this way."""
    if not data:
        return Attempt(way, Heard.CLOSED if closed else Heard.SILENT, asked)
    if other := stranger(data):
        return Attempt(way, Heard.STRANGER, asked, note=other)
    try:
        frames = way.framed().framer().feed(data)
        answer = way.spoken().decode(frames[0]) if frames else None
    except RemoteProtocolError as error:
        return Attempt(way, Heard.UNREADABLE, asked, note=error.reason)
    except FormatError as error:
        place = f" in DE {error.element}" if error.element else ""
        return Attempt(way, Heard.UNREADABLE, asked, note=f"{error.slug}{place}")
    if answer is None:
        return Attempt(way, Heard.UNREADABLE, asked, note=f"{len(data)} bytes, and no whole frame")
    return Attempt(way, Heard.ANSWERED, asked, answer)


def verdict(attempt: Attempt, match: Match) -> tuple[bool, str]:
    """Whether a run with this match key would take the answer, and a sentence that says why, or what to write."""
    asked, answer = attempt.asked, attempt.answer
    assert asked is not None, "only what was answered is judged"
    assert answer is not None, "only what was answered is judged"
    key = key_for(match, asked.mti)
    stan = answer.stan
    if answer.mti == answer_to(asked.mti) and all(_same(asked, answer, number) for number in key):
        parts = ", ".join(f"DE {number}" for number in key)
        return True, f"The {answer.mti} is matched by {parts}: a run would take it."
    _, sentence = explained(answer, match, [asked.mti], stan == asked.stan)
    return False, sentence.replace(
        f"A {answer.mti} arrived", f"An {answer.mti} with STAN {stan or '(none)'} arrived", 1
    )


def suggested_key(asked: Message, answer: Message) -> tuple[int, ...]:
    """What would match: of the usual elements those that came back as they were sent."""
    usual = (elements.STAN, elements.TERMINAL_ID, elements.TRANSMITTED_AT, elements.RRN)
    return tuple(number for number in usual if number in asked and _same(asked, answer, number))[:2]


def target_table(way: Way, host: str, port: int) -> str:
    """What to write into the scenario.

    >>> print(target_table(Way("len2", "iso87_ascii"), "127.0.0.1", 8583))
    [target]
    host = "127.0.0.1"
    port = 8583
    framing = "len2"
    dialect = "iso87_ascii"
    """
    lines = ["[target]", f'host = "{host}"', f"port = {port}"]
    return "\n".join([*lines, f'framing = "{way.framing}"', f'dialect = "{way.dialect}"'])


def elements_of(message: Message) -> list[tuple[str, str]]:
    """An element a row, named; what must not be seen is masked."""
    known = message.dialect.dictionary
    return [
        (f"DE {number} {known[number].title}", elements.shown(number, value, known))
        for number, value in message.items()
    ]


def _same(asked: Message, answer: Message, number: int) -> bool:
    """Carried by both and equal; one that we did not send cannot tell answers apart, and is not asked for."""
    ours, theirs = asked.get(number), answer.get(number)
    return theirs is not None and (ours is None or ours.strip() == theirs.strip())


def _first(names: Sequence[str], first: Sequence[str]) -> list[str]:
    """
    >>> _first(["a", "b", "c"], ["c"])
    ['c', 'a', 'b']
    """
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name))
