"""The slow reading of a frame, element by element: what can be read, and where it breaks.

It is asked about the first frames of a layout, and about every frame the quick
reading refused, because an answer 30 must name the broken element and echo the
others. What to answer is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocols.codec.place import Anchors
from protocols.codec.spelling import Spelling
from protocols.elements import EXTENDED_BITMAP
from protocols.errors import FormatError

if TYPE_CHECKING:
    from protocols.codec.codec import Codec


@dataclass(slots=True)
class Survey:
    """What a walk over the elements found: anchors, readable values, the first fault."""

    anchors: list[int] = field(default_factory=lambda: [0])
    readable: dict[int, str] = field(default_factory=dict)
    slug: str | None = None
    element: int | None = None
    offset: int = 0

    def fault(self, slug: str, offset: int, element: int | None = None) -> None:
        """Only the first fault counts: what follows may be its echo."""
        if self.slug is None:
            self.slug, self.offset, self.element = slug, offset, element


def read(codec: Codec, frame: bytes) -> tuple[bytes, Anchors]:
    """The bitmap of a frame, and its anchors; FormatError says what is wrong with it."""
    mti = _mti(codec, frame)
    bitmap = _bitmap(codec, frame, mti)
    numbers = codec.bitmaps.numbers(bitmap)
    if EXTENDED_BITMAP in numbers:
        raise _extended(codec, frame, mti, len(bitmap), numbers)
    found = survey(frame, codec.mtis.size + len(bitmap), [codec.spellings[number] for number in numbers])
    if found.slug:
        raise FormatError(found.slug, element=found.element, offset=found.offset, mti=mti, readable=found.readable)
    return bitmap, tuple(found.anchors)


def survey(frame: bytes, at: int, spellings: Sequence[Spelling]) -> Survey:
    """Walks all elements. Broken content loses only itself, a broken length all that follows.

    A length that is a number but not an allowed one is followed on trial: if the frame then
    comes out even, it was only wrong; if not, nothing after it is to be trusted.
    """
    found = Survey()
    trusted: dict[int, str] | None = None
    for spelling in spellings:
        begin, start = at, at + spelling.prefix_width
        prefix = frame[begin:start]
        size = spelling.stated_size(prefix)
        if size is None or start + size > len(frame):
            found.fault(f"format.de{spelling.number}", begin, spelling.number)
            break
        at = start + size
        is_allowed = not prefix or prefix in spelling.sizes
        if is_allowed and spelling.holds(frame[start:at], prefix):
            found.readable[spelling.number] = spelling.read(frame[start:at], prefix)
        else:
            found.fault(f"format.de{spelling.number}", begin, spelling.number)
        if not is_allowed and trusted is None:
            trusted = dict(found.readable)
        if prefix:
            found.anchors.append(at)
    else:
        if at == len(frame):
            return found
        found.fault("format.frame", at)
    if trusted is not None:
        found.readable = trusted
    return found


def _mti(codec: Codec, frame: bytes) -> str:
    mti = codec.mtis.read(frame[: codec.mtis.size])
    if mti is None:
        raise FormatError("format.mti")
    return mti


def _bitmap(codec: Codec, frame: bytes, mti: str) -> bytes:
    """The primary bitmap, with the secondary one where it is announced; some element must be named."""
    form, start = codec.bitmaps, codec.mtis.size
    bitmap = frame[start : start + form.size]
    if form.has_secondary(bitmap):
        bitmap = frame[start : start + 2 * form.size]
        is_whole = len(bitmap) == 2 * form.size
    else:
        is_whole = len(bitmap) == form.size
    if not is_whole or not form.holds(bitmap) or not form.numbers(bitmap):
        raise FormatError("format.bitmap", offset=start, mti=mti)
    return bitmap


def _extended(codec: Codec, frame: bytes, mti: str, size: int, numbers: Sequence[int]) -> FormatError:
    """DE 65 names a third bitmap, which this network does not have.

    Where it lies is told two ways: in its turn after DE 64 (ISO 8583:1987), or right after the second
    (pyiso8583). The reading that comes out even, or else gets further, is the one whose elements the answer may echo.
    """
    spellings = [codec.spellings[number] for number in numbers if number < EXTENDED_BITMAP]
    head = codec.mtis.size
    starts = head + size, head + size + codec.bitmaps.size
    readings = [survey(frame, start, spellings) for start in starts]
    best = max(readings, key=lambda found: (found.slug is None, len(found.readable)))
    return FormatError.in_element(EXTENDED_BITMAP, offset=head, mti=mti, readable=best.readable)
