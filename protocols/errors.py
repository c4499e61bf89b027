"""Whose fault it is: the errors of the protocol, and nothing about what to do next.

There are two sides to every link, so there are two errors: *we* broke the
protocol (a mistake in this program, to be mended) or *the peer* broke it (to be
answered, or the link closed). A decline is neither: it is the answer.

No error here says what the broken bytes were. It says which element, at which
byte, and that is enough to find it; a card number in a log is there for good.
"""

from __future__ import annotations

from collections.abc import Mapping


class ProtocolError(Exception):
    """Somebody broke the protocol; the subclass says who."""


class LocalProtocolError(ProtocolError):
    """We did: this program asked for something the protocol does not have."""


class RemoteProtocolError(ProtocolError):
    """The peer did. `reason` is one line for the log, without content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FormatError(RemoteProtocolError):
    """A frame that framed well and could not be read.

    `slug` is what DE 44 of the answer will say (`format.de4`, `missing.de41`,
    `format.bitmap`, `format.mti`); `element` the broken data element, if it was
    one; `offset` the byte of the frame at which reading stopped; `mti` the
    message type as far as it was legible. `readable` holds the elements that
    could be read, because the answer 30 must echo them; it may hold a card
    number, so it is an attribute and never part of the text. `header` is what stood
    before the message, where its dialect has a header: the answer's is made of it.

    >>> FormatError.in_element(4, offset=58, mti="0100")
    FormatError('format.de4 at byte 58')
    >>> FormatError.missing(41).slug
    'missing.de41'
    """

    def __init__(
        self,
        slug: str,
        *,
        element: int | None = None,
        offset: int = 0,
        mti: str | None = None,
        readable: Mapping[int, str] | None = None,
        header: bytes = b"",
    ) -> None:
        super().__init__(f"{slug} at byte {offset}")
        self.slug = slug
        self.element = element
        self.offset = offset
        self.mti = mti
        self.readable: dict[int, str] = dict(readable or {})
        self.header = header

    @classmethod
    def in_element(
        cls, element: int, *, offset: int = 0, mti: str | None = None, readable: Mapping[int, str] | None = None
    ) -> FormatError:
        """A data element that is there and cannot be read."""
        return cls(f"format.de{element}", element=element, offset=offset, mti=mti, readable=readable)

    @classmethod
    def missing(
        cls, element: int, *, offset: int = 0, mti: str | None = None, readable: Mapping[int, str] | None = None
    ) -> FormatError:
        """A data element that this message type must carry and does not."""
        return cls(f"missing.de{element}", element=element, offset=offset, mti=mti, readable=readable)
