"""Where the elements of one bitmap lie in a frame.

A layout is made once per bitmap and holds for every frame that has it. What is
in the elements, and what to do about a frame that does not read, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from protocols.codec import quick
from protocols.codec.place import Anchors, Place
from protocols.codec.recipe import Recipes
from protocols.codec.spelling import Spelling

if TYPE_CHECKING:
    from protocols.codec.codec import Codec

MTI_SIZE: Final = 4
WORTH_COMPILING: Final = 3  # compiling costs some ten slow readings: not for a bitmap a stranger sends once

# What an answer carries over from its request; everything else it must say itself.
ECHOED: Final = frozenset({2, 3, 4, 7, 11, 12, 13, 32, 33, 37, 41, 42, 49, 70, 90})


class Layout:
    """One bitmap of one dialect.

    `places` has every element's value, `texts` the places of those that are plain text
    as they stand, `spans` every element with its length prefix. `patches` and `answers`
    are how to write other frames out of one of this layout.
    """

    __slots__ = ("_uses", "answers", "bitmap", "codec", "numbers", "patches", "places", "spans", "spellings", "texts")

    def __init__(self, codec: Codec, bitmap: bytes) -> None:
        self.codec = codec
        self.bitmap = bitmap
        self.numbers = codec.bitmaps.numbers(bitmap)
        self.spellings = tuple(codec.spellings[number] for number in self.numbers)
        self.spans, self.places = _laid_out(MTI_SIZE + len(bitmap), self.spellings)
        # Plain tuples: a frame's elements are read from these, and unpacking a tuple is what is quickest.
        self.texts = {s.number: tuple(self.places[s.number]) for s in self.spellings if s.is_text}
        self.patches = Recipes(codec, self.numbers, self.spans)
        self.answers = Recipes(codec, [number for number in self.numbers if number in ECHOED], self.spans)
        self._uses = 0

    def is_worth_compiling(self) -> bool:
        """Asked once per frame read the slow way; yes when the layout has shown that it is here to stay."""
        self._uses += 1
        return self._uses >= WORTH_COMPILING

    def compiled(self) -> Callable[[bytes], Anchors | None]:
        """The function that finds the anchors of a frame of this layout, or None when it does not read."""
        return quick.walker(self)


def _laid_out(start: int, spellings: tuple[Spelling, ...]) -> tuple[Mapping[int, Place], Mapping[int, Place]]:
    """Every element's place with its length prefix, and without."""
    spans, places = {}, {}
    anchor, offset, anchors = 0, start, 0
    for spelling in spellings:
        begin = (anchor, offset)
        data = (anchor, offset + spelling.prefix_width)
        if spelling.prefix_width:
            anchors += 1
            anchor, offset = anchors, 0
        else:
            offset += spelling.size
        spans[spelling.number] = Place(*begin, anchor, offset)
        places[spelling.number] = Place(*data, anchor, offset)
    return spans, places
