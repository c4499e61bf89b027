"""The bitmap: which elements a frame carries, in hex or in bytes. What the elements are is not known here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocols.codec.spelling import HEX
from protocols.elements import SECONDARY_BITMAP

MTI_SIZE: Final = 4  # the message type stands before the bitmap


@dataclass(frozen=True, slots=True)
class BitmapForm:
    """How a dialect writes its bitmaps; the primary and the secondary one look alike.

    >>> BitmapForm(is_raw=False).write((2, 70))
    b'C0000000000000000400000000000000'
    >>> BitmapForm(is_raw=False).numbers(b"4000000000000001")
    (2, 64)
    """

    is_raw: bool

    @property
    def size(self) -> int:
        """Bytes of one bitmap of 64 elements."""
        return 8 if self.is_raw else 16

    @property
    def secondary_from(self) -> int:
        """The least first byte that says a secondary bitmap follows: the top bit, or hex digits 8 to f."""
        return 0x80 if self.is_raw else ord("8")

    def holds(self, bitmap: bytes) -> bool:
        """Whether it is one or two whole bitmaps, and where hex is due, nothing but hex."""
        return len(bitmap) in (self.size, 2 * self.size) and (self.is_raw or HEX.holds(bitmap))

    def numbers(self, bitmap: bytes) -> tuple[int, ...]:
        """The elements a well-formed bitmap names, without 1: that bit is the secondary bitmap's own."""
        data = bitmap if self.is_raw else bytes.fromhex(bitmap.decode("ascii"))
        bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
        return tuple(number for number, bit in enumerate(bits, start=1) if bit == "1" and number != SECONDARY_BITMAP)

    def write(self, numbers: Iterable[int]) -> bytes:
        """The bitmap that names these elements; the secondary one is there when something needs it."""
        wanted = set(numbers)
        if max(wanted, default=0) > 64:
            wanted.add(SECONDARY_BITMAP)
        bits = 128 if SECONDARY_BITMAP in wanted else 64
        data = sum(1 << (bits - number) for number in wanted).to_bytes(bits // 8, "big")
        return data if self.is_raw else data.hex().upper().encode()
