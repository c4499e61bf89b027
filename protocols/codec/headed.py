"""Frames with a header in front: the header is taken off, and the codec reads the rest.

What a header means, and how an answer turns it round, is `protocols.header`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from protocols.errors import FormatError
from protocols.message import Message

if TYPE_CHECKING:
    from protocols.dialect import Dialect
    from protocols.header import Header

NO_CHANGES: Mapping[int, str | None] = {}


class HeadedMessage(Message):
    """A message that came with a header. What is written out of it has one too."""

    __slots__ = ("_dialect", "_header")

    def __init__(self, message: Message, header: bytes, dialect: Dialect) -> None:
        super().__init__(message.frame, message._layout, message._at)
        self._header = header
        self._dialect = dialect

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    @property
    def header(self) -> bytes:
        return self._header

    def patched(self, changes: Mapping[int, str | None], mti: str | None = None) -> bytes:
        body = super().patched(changes, mti)
        return self._rules.kept(self._header, len(body)) + body

    def answered(self, changes: Mapping[int, str | None]) -> bytes:
        body = super().answered(changes)
        return self._rules.answering(self._header, len(body)) + body

    def kept(self, changes: Mapping[int, str | None]) -> bytes:
        """Without what the header said: it is the peer's, and nobody promised that it is no secret."""
        return bytes(len(self._header)) + super().kept(changes)

    def translated(
        self, dialect: Dialect, changes: Mapping[int, str | None] = NO_CHANGES, mti: str | None = None
    ) -> bytes:
        """For another peer: with our header to that one, not with the one this message came with."""
        if dialect.bare is self._dialect.bare:
            return dialect.opened(super().patched(changes, mti))
        return super().translated(dialect, changes, mti)

    @property
    def _rules(self) -> Header:
        rules = self._dialect.header
        assert rules is not None
        return rules


def read(dialect: Dialect, header: Header, frame: bytes) -> HeadedMessage:
    """The message behind a header; FormatError counts its bytes from the start of the frame."""
    front, body = frame[: header.length], frame[header.length :]
    try:
        return HeadedMessage(dialect.bare.decode(body), front, dialect)
    except FormatError as broke:
        raise _moved(broke, front) from None


def _moved(broke: FormatError, header: bytes) -> FormatError:
    return FormatError(
        broke.slug,
        element=broke.element,
        offset=len(header) + broke.offset,
        mti=broke.mti,
        readable=broke.readable,
        header=header,
    )
