"""Frames of one layout that are alike in every length: where anything lies in them is known without looking.

Most of what one peer sends is of a few sets of lengths. For such a set a place is two numbers, and one call in C
cuts a frame into all the pieces that are wanted. What is worth even more: many such frames make columns, one for
every piece, and then a test, a join or a look-up is one call for all of them.

Which frames belong together, and what is in the pieces, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from struct import Struct

from protocols.codec.place import Anchors, Place

#: `cut(frame)`: its pieces. Raises struct.error for a frame of another length.
Cut = Callable[[bytes], tuple[bytes, ...]]

#: What a frame is written from, in order: stretches of another, constants, and None for a value to come.
Pieces = Sequence[Place | bytes | None]


class Mould:
    """One set of lengths, as one frame has them."""

    __slots__ = ("_at", "length")

    def __init__(self, at: Anchors, length: int) -> None:
        self._at = at
        self.length = length

    def ends(self, place: Place) -> tuple[int, int]:
        """Where a place begins and ends, in bytes from the start of the frame."""
        at = self._at
        return at[place.from_anchor] + place.from_offset, at[place.to_anchor] + place.to_offset

    def size(self, place: Place) -> int:
        """Its length in bytes."""
        begin, end = self.ends(place)
        return end - begin

    def cutter(self, places: Iterable[Place]) -> Cut:
        """The function that cuts these places out. They follow each other in the frame; between them may be more."""
        return cutter(map(self.ends, places), self.length)

    def seam(self, pieces: Pieces) -> Seam:
        """How to write frames from these pieces."""
        return Seam(self, pieces)


class Seam:
    """How many frames at once are written out of as many others."""

    __slots__ = ("_cut", "_pieces", "size")

    def __init__(self, mould: Mould, pieces: Pieces) -> None:
        self._pieces = pieces
        places = [piece for piece in pieces if isinstance(piece, Place)]
        self._cut = mould.cutter(places)
        #: Of a frame that is written, in bytes, without the value to come.
        self.size = sum(map(mould.size, places)) + sum(len(piece) for piece in pieces if isinstance(piece, bytes))

    def parts(self, frames: Iterable[bytes], values: Iterable[bytes]) -> list[Iterable[bytes]]:
        """The columns that `sewn` makes frames of: one more may stand before them, or behind."""
        strips = zip(*map(self._cut, frames), strict=True)
        return [
            values if piece is None else repeat(piece) if isinstance(piece, bytes) else next(strips)
            for piece in self._pieces
        ]


def cutter(stretches: Iterable[tuple[int, int]], length: int) -> Cut:
    """The function that cuts stretches, from and to, out of frames of this length.

    >>> cutter([(0, 2), (3, 4)], 5)(b"abcde")
    (b'ab', b'd')
    """
    codes, done = list[str](), 0
    for begin, end in stretches:
        codes.append(f"{begin - done}x{end - begin}s")
        done = end
    return Struct(f"={''.join(codes)}{length - done}x").unpack


def sewn(parts: Iterable[Iterable[bytes]]) -> list[bytes]:
    """One text of bytes from every row of the columns.

    >>> sewn([(b"a", b"b"), repeat(b"-"), (b"1", b"2")])
    [b'a-1', b'b-2']
    """
    return list(map(b"".join, zip(*parts)))  # noqa: B905 (constants repeat for ever)
