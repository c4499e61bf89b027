"""Borders: a participant who speaks otherwise than the network, met as if he did not.

A `Border` is used like the dialect it stands for. What it decodes is a message of the internal
dialect, so nobody behind it meets a foreign element; and what such a message or the border itself
writes is a frame of the foreign one. The parties that have no border pay nothing for this: their
messages never come here (`spoken`). How one edition's words are the other's is `translation`'s.

Crossing costs a decoding and an encoding more, some hundred microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from protocols.dialect import Dialect
from protocols.dialects import dialect_named, names
from protocols.elements import PRIVATE_DATA
from protocols.errors import FormatError, LocalProtocolError
from protocols.fitting import fitting, those_that_fit
from protocols.message import Message
from protocols.participant import Participant, dialect_of
from protocols.private_data import OURS, form_of, respelled
from protocols.translation import V1987, from_internal, to_internal

INTERNAL: Final = dialect_named("iso87_ascii")

Today = Callable[[], date]


def spoken_with(participant: Participant, today: Today, *, trusted: bool = False) -> Dialect:
    """How to speak with a participant, as its agreement says."""
    return spoken(dialect_of(participant), today, trusted=trusted)


def spoken(dialect: Dialect, today: Today, *, trusted: bool = False) -> Dialect:
    """How to speak a dialect: as it is, or across a border.

    Across one where it is of another edition, spells DE 48 otherwise, or is a participant's own:
    then the journal could not find it again by its name.
    """
    if dialect.version == V1987 and form_of(dialect.name) == OURS and _is_everybodys(dialect):
        return dialect
    return Border.of(dialect, today, trusted=trusted)


def _is_everybodys(dialect: Dialect) -> bool:
    """Not one of a network's own files, which whoever reads a journal later may not have."""
    return dialect.bare.name in names()


@dataclass(frozen=True, eq=False, kw_only=True)
class Border(Dialect):
    """`foreign` on one side, the internal dialect on the other.

    `today` gives a date without a year its year. `trusted`: see `to_internal`.
    """

    foreign: Dialect
    today: Today
    trusted: bool = False

    @classmethod
    def of(cls, foreign: Dialect, today: Today, *, trusted: bool = False) -> Border:
        """The border to a dialect, under the dialect's own name."""
        named: dict[str, Any] = {field.name: getattr(foreign, field.name) for field in fields(Dialect)}
        named |= {"header": None, "origin": None}  # headers are put on and taken off beyond the border
        return cls(**named, foreign=foreign, today=today, trusted=trusted)

    def decode(self, frame: bytes) -> Message:
        """A message of the internal dialect; FormatError in the network's message types, of the sender's element."""
        try:
            received = self.foreign.decode(frame)
        except FormatError as error:
            raise self._told(error) from None
        mti, values = to_internal(self.version, received.mti, dict(received.items()), trusted=self.trusted)
        if (private := values.get(PRIVATE_DATA)) is not None:
            values[PRIVATE_DATA] = respelled(private, form_of(self.name), OURS)
        try:
            message = INTERNAL.decode(INTERNAL.encode(mti, values))
        except LocalProtocolError:
            raise _what_does_not_go_in(mti, values) from None
        return Immigrant(message, self, received)

    def encode(self, mti: str, values: Mapping[int, str], answering: bytes | None = None) -> bytes:
        """A frame of the foreign dialect out of the network's values."""
        foreign_mti, said = from_internal(self.version, mti, values, today=self.today())
        if (private := said.get(PRIVATE_DATA)) is not None:
            said[PRIVATE_DATA] = respelled(private, OURS, form_of(self.name))
        return fitting(self.foreign, foreign_mti, said, answering)

    def _told(self, error: FormatError) -> FormatError:
        """The same fault, and what could be read of its message in the network's words."""
        if error.mti is None:
            return error
        try:
            mti, readable = to_internal(self.version, error.mti, error.readable, trusted=self.trusted)
        except FormatError as another:
            mti, readable = another.mti or error.mti, another.readable
        told = FormatError(error.slug, element=error.element, offset=error.offset, mti=mti, readable=readable)
        told.header = error.header
        return told


class Immigrant(Message):
    """A message that came across a border: the network's inside, and its answers go back across."""

    __slots__ = ("_border", "_received")

    def __init__(self, inside: Message, border: Border, received: Message) -> None:
        super().__init__(inside.frame, inside._layout, inside._at)
        self._border = border
        self._received = received

    @property
    def received(self) -> Message:
        """The message as its sender sent it, byte for byte and in his words."""
        return self._received

    @property
    def header(self) -> bytes:
        """As its sender put it in front."""
        return self._received.header

    def patched(self, changes: Mapping[int, str | None], mti: str | None = None) -> bytes:
        """The message as its sender would have sent it with these changes."""
        inside = INTERNAL.decode(super().patched(changes, mti))
        return self._border.encode(inside.mti, dict(inside.items()))

    def answered(self, changes: Mapping[int, str | None]) -> bytes:
        """The answer in the sender's words, under a header that answers his."""
        inside = INTERNAL.decode(super().answered(changes))
        return self._border.encode(inside.mti, dict(inside.items()), self._received.header)

    def translated(self, dialect: Dialect, changes: Mapping[int, str | None] = {}, mti: str | None = None) -> bytes:
        """For a peer of any dialect, another border or the same one included."""
        if dialect is INTERNAL:
            return super().patched(changes, mti)
        return super().translated(dialect, changes, mti)


def _what_does_not_go_in(mti: str, values: Mapping[int, str]) -> FormatError:
    """The network's dialect cannot hold what the foreign one could: that element is at fault."""
    readable = those_that_fit(INTERNAL, values)
    broken = next((number for number in values if number not in readable), None)
    if broken is None:
        return FormatError("format.mti", mti=mti)
    return FormatError.in_element(broken, mti=mti, readable=readable)
