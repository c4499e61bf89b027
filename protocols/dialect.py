"""What a dialect is: a pyiso8583 spec, a usual framing, the version of its message types.

One file per dialect in `dialects/` declares a `DIALECT`. How the spec becomes
functions is the codec's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from protocols.codec import Codec
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

    @cached_property
    def _codec(self) -> Codec:
        return Codec(self)

    def decode(self, frame: bytes) -> Message:
        """The message in a whole frame; FormatError when it cannot be read."""
        return self._codec.decode(frame)

    def encode(self, mti: str, values: Mapping[int, str]) -> bytes:
        """A frame out of canonical values: text, and upper-case hex for binary elements."""
        return self._codec.encode(mti, values)

    def __repr__(self) -> str:
        return f"<dialect {self.name}>"
