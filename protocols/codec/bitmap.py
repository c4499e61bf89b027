"""The head of a frame: its message type, and the bitmap that says which elements it carries.

What the elements are is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from protocols.codec.charset import PACKED_DIGITS, PLAIN, Charset
from protocols.elements import SECONDARY_BITMAP
from protocols.errors import LocalProtocolError

MTI_DIGITS = 4


@dataclass(frozen=True, slots=True)
class MtiForm:
    """How a dialect writes its message types: four characters, or four digits in two bytes.

    >>> MtiForm(is_packed=True).write("0800")
    b'\\x08\\x00'
    """

    is_packed: bool
    charset: Charset = PLAIN

    @property
    def size(self) -> int:
        return MTI_DIGITS // 2 if self.is_packed else MTI_DIGITS

    def write(self, mti: str) -> bytes:
        """The bytes of a message type, known to this network or not; four digits it must be."""
        if len(mti) != MTI_DIGITS or not (mti.isascii() and mti.isdigit()):
            raise LocalProtocolError("a message type is four digits")
        return bytes.fromhex(mti) if self.is_packed else self.charset.written(mti.encode())

    def read(self, data: bytes) -> str | None:
        """The message type, or None where these bytes are none."""
        content = PACKED_DIGITS if self.is_packed else self.charset.digits
        if len(data) != self.size or not content.holds(data):
            return None
        return data.hex() if self.is_packed else self.charset.read(data)


@dataclass(frozen=True, slots=True)
class BitmapForm:
    """How a dialect writes its bitmaps; the primary and the secondary one look alike.

    >>> BitmapForm(is_raw=False).write((2, 70))
    b'C0000000000000000400000000000000'
    >>> BitmapForm(is_raw=False).numbers(b"4000000000000001")
    (2, 64)
    """

    is_raw: bool
    charset: Charset = PLAIN

    @property
    def size(self) -> int:
        """Bytes of one bitmap of 64 elements."""
        return 8 if self.is_raw else 16

    def has_secondary(self, bitmap: bytes) -> bool:
        """Whether the first bit of a bitmap, whole or not, says that a second one follows."""
        if self.is_raw:
            return bitmap[:1] >= b"\x80"
        return self.charset.read(bitmap[:1]) in frozenset("89abcdefABCDEF")

    def holds(self, bitmap: bytes) -> bool:
        """Whether it is one or two whole bitmaps, and where hex is due, nothing but hex."""
        return len(bitmap) in (self.size, 2 * self.size) and (self.is_raw or self.charset.hexadecimal.holds(bitmap))

    def numbers(self, bitmap: bytes) -> tuple[int, ...]:
        """The elements a well-formed bitmap names, without 1: that bit is the secondary bitmap's own."""
        data = bitmap if self.is_raw else bytes.fromhex(self.charset.read(bitmap))
        bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
        return tuple(number for number, bit in enumerate(bits, start=1) if bit == "1" and number != SECONDARY_BITMAP)

    def write(self, numbers: Iterable[int]) -> bytes:
        """The bitmap that names these elements; the secondary one is there when something needs it."""
        wanted = set(numbers)
        if max(wanted, default=0) > 64:
            wanted.add(SECONDARY_BITMAP)
        bits = 128 if SECONDARY_BITMAP in wanted else 64
        data = sum(1 << (bits - number) for number in wanted).to_bytes(bits // 8, "big")
        return data if self.is_raw else self.charset.written(data.hex().upper().encode())
