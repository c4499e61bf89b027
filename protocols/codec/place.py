"""The pieces a frame is written from: stretches of another frame, known before it is, and values given.

Positions are counted from anchors: anchor 0 is the start of the frame, and every
variable element adds one where it ends. So a position is an anchor and a constant,
and reading a frame is finding its anchors.
"""

from __future__ import annotations

from typing import NamedTuple

from protocols.codec.spelling import Spelling

Anchors = tuple[int, ...]


class Place(NamedTuple):
    """From anchor + offset to anchor + offset.

    >>> Place(0, 2, 1, 1).of(b"abcdefg", (0, 4))
    b'cde'
    >>> Place(0, 2, 0, 4).joined(Place(0, 4, 1, 0))
    Place(from_anchor=0, from_offset=2, to_anchor=1, to_offset=0)
    """

    from_anchor: int
    from_offset: int
    to_anchor: int
    to_offset: int

    def of(self, frame: bytes, at: Anchors) -> bytes:
        return frame[at[self.from_anchor] + self.from_offset : at[self.to_anchor] + self.to_offset]

    def joined(self, after: Place) -> Place | None:
        """Both as one, when the other begins where this one ends."""
        if self[2:] != after[:2]:
            return None
        return Place(self.from_anchor, self.from_offset, after.to_anchor, after.to_offset)


class Insert(NamedTuple):
    """A value to be written: which one of those given, and how it is spelled."""

    which: int
    spelling: Spelling
