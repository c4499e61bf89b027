"""What a dialect is: a pyiso8583 spec, a usual framing, the version of its message types.

One file per dialect in `dialects/` declares a `DIALECT`. How the spec becomes
functions is the codec's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from protocols.codec import Codec, headed
from protocols.codec.layout import Layout
from protocols.elements import ELEMENTS, Element
from protocols.header import Header
from protocols.message import Message


@dataclass(frozen=True, eq=False)
class Dialect:
    """One way of writing ISO 8583. Equal only to itself.

    >>> from protocols.dialects import dialect_named
    >>> dialect = dialect_named("iso87_ascii")
    >>> dialect.encode("0800", {11: "000001", 70: "301"})
    b'080080200000000000000400000000000000000001301'
    >>> dialect.decode(_).get(70)
    '301'
    """

    name: str
    title: str
    version: str  # first digit of its message types: "0" for 1987, "1" for 1993
    spec: Mapping[str, Mapping[str, Any]]
    framing: str = "len2"
    dictionary: Mapping[int, Element] = field(default_factory=lambda: ELEMENTS)  # what its elements are made of
    header: Header | None = None  # before every message
    origin: Dialect | None = None  # the same without the header, where that one was there first

    @cached_property
    def _codec(self) -> Codec:
        return Codec(self)

    @cached_property
    def bare(self) -> Dialect:
        """The dialect of what stands behind the header: itself, where there is none."""
        return self if self.header is None else self.origin or replace(self, header=None)

    def headed(self, header: Header) -> Dialect:
        """The same dialect with such a header before every message.

        Its name says how long the header is, so that who finds a frame of it can read it by that name.

        >>> from protocols.dialects import dialect_named
        >>> dialect_named("iso87_ascii").headed(Header(5)).name
        'iso87_ascii+5'
        """
        is_usual = self.header is not None and self.header.length == header.length
        name = self.name if is_usual else f"{self.bare.name}+{header.length}"
        return replace(self.bare, name=name, header=header, origin=self.bare)

    @property
    def shortest_head(self) -> int:
        """How many bytes message type and first bitmap take."""
        return self._codec.shortest_head

    def layout(self, head: bytes) -> Layout | None:
        """The layout of frames that begin so, if there have been enough of them to keep it."""
        return self._codec.layout(head)

    def decode(self, frame: bytes) -> Message:
        """The message in a whole frame; FormatError when it cannot be read."""
        if self.header is None:
            return self._codec.decode(frame)
        return headed.read(self, self.header, frame)

    def encode(self, mti: str, values: Mapping[int, str], answering: bytes | None = None) -> bytes:
        """A frame out of canonical values: text, and upper-case hex for binary elements.

        `answering` is the header of the message that this one answers, where there is one.
        """
        if self.header is None:
            return self._codec.encode(mti, values)
        body = self.bare.encode(mti, values)
        if answering is not None and len(answering) == self.header.length:
            return self.header.answering(answering, len(body)) + body
        return self.opened(body)

    def opened(self, body: bytes) -> bytes:
        """A bare frame with our own header before it."""
        return body if self.header is None else self.header.opening(len(body)) + body

    def __repr__(self) -> str:
        return f"<dialect {self.name}>"
