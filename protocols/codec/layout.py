"""Where the elements lie in the frames of one message type and one bitmap.

A layout is made once and holds for every frame that begins the same. What is in
the elements, and what to do about a frame that does not read, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from protocols import elements
from protocols.codec import quick
from protocols.codec.place import Place
from protocols.codec.recipe import Recipes
from protocols.codec.room import WORTH_COMPILING, make_room
from protocols.codec.spelling import Spelling

if TYPE_CHECKING:
    from protocols.codec.codec import Codec
    from protocols.message import Message

PICKERS_MAX: Final = 64  # the switch asks for a handful of different sets

# What an answer carries over from its request; everything else it must say itself.
ECHOED: Final = frozenset(
    {
        elements.PAN,
        elements.PROCESSING_CODE,
        elements.AMOUNT,
        elements.TRANSMITTED_AT,
        elements.STAN,
        elements.LOCAL_TIME,
        elements.LOCAL_DATE,
        elements.ACQUIRER_ID,
        elements.RRN,
        elements.TERMINAL_ID,
        elements.CARD_ACCEPTOR_ID,
        elements.CURRENCY,
        elements.NETWORK_MANAGEMENT_CODE,
        elements.ORIGINAL,
    }
)

# What of a message may be written to disk: an allow-list, because a forbid-list forgets track 2 some day.
# DE 48 may hold the card verification code, and taking that out costs more than the rest of a record.
_SEALED: Final = (elements.Sensitivity.OPEN, elements.Sensitivity.CARD)


def keepable(dictionary: Mapping[int, elements.Element]) -> frozenset[int]:
    """The elements of a dictionary that may be kept."""
    return frozenset(number for number, element in dictionary.items() if element.sensitivity in _SEALED)


KEEPABLE: Final = keepable(elements.ELEMENTS)

Gate = Callable[[bytes], "tuple[Any, ...] | None"]  # anchors, then one text for every run
Picker = Callable[["Message"], tuple[str | None, ...]]


class Layout:
    """One message type with one bitmap, in one dialect.

    `places` has every element's value, `texts` the places of those that are plain text
    as they stand, `spans` every element with its length prefix. `patches`, `answers` and
    `keepsakes` are how to write other frames out of one of this layout.
    """

    __slots__ = (
        "_pickers",
        "_uses",
        "answer",
        "answers",
        "bitmap",
        "codec",
        "keepsakes",
        "mti",
        "mti_on_the_wire",
        "numbers",
        "patches",
        "places",
        "spans",
        "spellings",
        "texts",
    )

    def __init__(self, codec: Codec, mti: bytes, bitmap: bytes) -> None:
        self.codec = codec
        self.mti = codec.mtis.read(mti) or ""
        self.mti_on_the_wire = mti
        self.answer = codec.answers.get(self.mti)
        self.bitmap = bitmap
        self.numbers = codec.bitmaps.numbers(bitmap)
        self.spellings = tuple(codec.spellings[number] for number in self.numbers)
        self.spans, self.places = _laid_out(len(mti) + len(bitmap), self.spellings)
        # Plain tuples: a frame's elements are read from these, and unpacking a tuple is what is quickest.
        self.texts = {s.number: tuple(self.places[s.number]) for s in self.spellings if s.is_text}
        self.patches = Recipes(codec, self.numbers, self.spans)
        self.answers = Recipes(codec, [number for number in self.numbers if number in ECHOED], self.spans)
        self.keepsakes = Recipes(codec, [number for number in self.numbers if number in codec.keepable], self.spans)
        self._pickers: dict[tuple[int, ...], Picker] = {}
        self._uses = 0

    @property
    def head(self) -> bytes:
        """What every frame of this layout begins with."""
        return self.mti_on_the_wire + self.bitmap

    def is_worth_compiling(self) -> bool:
        """Asked once per frame read the slow way; yes when the layout has shown that it is here to stay.

        A message type that this network does not have will be refused, however often it comes.
        """
        self._uses += 1
        return self._uses >= WORTH_COMPILING and self.codec.knows(self.mti)

    def reader(self) -> Callable[[bytes], Message | None]:
        """The function that reads frames of this layout, written anew; None or KeyError when one does not read."""
        return quick.reader(self)

    def gate(self, runs: tuple[tuple[int, ...], ...]) -> Gate | None:
        """The function that reads a frame of this layout and gives runs of its values, but no Message.

        None when the layout has not shown that it is here to stay, or has a value that is not text as it stands. Binary
        values in hex are, but in whichever case they came.
        """
        wanted = {number for run in runs for number in run}
        as_they_stand = self.texts.keys() | {s.number for s in self.spellings if s.is_hex_text}
        if self._uses < WORTH_COMPILING or not wanted <= as_they_stand:
            return None
        return quick.gate(self, runs)

    def picker(self, numbers: tuple[int, ...]) -> Picker:
        """The function that gives the values of these elements of a message of this layout."""
        return self._pickers.get(numbers) or self._new_picker(numbers)

    def _new_picker(self, numbers: tuple[int, ...]) -> Picker:
        if self._uses < WORTH_COMPILING:
            return lambda message: tuple(map(message.get, numbers))
        make_room(self._pickers, PICKERS_MAX)
        picker = self._pickers[numbers] = quick.picker(self, numbers)
        return picker


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
