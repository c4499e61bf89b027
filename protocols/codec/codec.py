"""Frame to Message and back, for one dialect.

A frame is not taken apart: a function written for its message type and bitmap
checks it and finds where its elements are, and nothing is decoded until it is
asked for. The codec keeps the layouts it has met, within a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from protocols.codec import careful
from protocols.codec.bitmap import MTI_SIZE, BitmapForm
from protocols.codec.layout import Layout
from protocols.codec.recipe import Recipes
from protocols.codec.room import make_room
from protocols.codec.spelling import spelling_of
from protocols.elements import EXTENDED_BITMAP
from protocols.message import Message, mti_on_the_wire

if TYPE_CHECKING:
    from protocols.dialect import Dialect

ELEMENTS_LAST: Final = 128
KNOWN_MAX: Final = 1024  # a network has some tens of layouts; a thousand compiled ones are some ten megabytes
ON_TRIAL_MAX: Final = 256  # not yet compiled: a stream of random bitmaps pushes out only its own kind

Reader = Callable[[bytes], Message | None]


class Codec:
    """The tables of one dialect, and the layouts met so far."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.bitmaps = BitmapForm(is_raw=dialect.spec["p"]["data_enc"] == "b")
        numbers = [number for number in range(2, ELEMENTS_LAST + 1) if number != EXTENDED_BITMAP]
        self.spellings = {number: spelling_of(number, dialect.spec[str(number)]) for number in numbers}
        self._from_nothing = Recipes(self, (), {})
        self._known: dict[bytes, Reader] = {}  # by all that comes before the elements
        self._on_trial: dict[bytes, Layout] = {}
        self._reader_of = self._known.get
        self._one_bitmap = MTI_SIZE + self.bitmaps.size
        self._two_bitmaps = MTI_SIZE + 2 * self.bitmaps.size

    def decode(self, frame: bytes) -> Message:
        """The message in a frame; FormatError names what cannot be read."""
        # Most messages have one bitmap, and looking in vain is quicker than looking at the bit.
        read = self._reader_of(frame[: self._one_bitmap]) or self._reader_of(frame[: self._two_bitmaps])
        if read is not None:
            try:
                message = read(frame)
            except KeyError:
                message = None
            if message is not None:
                return message
        return self._decode_carefully(frame)

    def encode(self, mti: str, values: Mapping[int, str]) -> bytes:
        """A frame made of canonical values; LocalProtocolError when one cannot be spelled."""
        return self._from_nothing.write(b"", (0,), mti_on_the_wire(mti), values, may_drop=False)

    def _decode_carefully(self, frame: bytes) -> Message:
        bitmap, at = careful.read(self, frame)
        layout = self._layout(frame[:MTI_SIZE], bitmap)
        if layout.is_worth_compiling():
            self._compile(layout)
        return Message(frame, layout, at)

    def _layout(self, mti: bytes, bitmap: bytes) -> Layout:
        """Of a frame that was read carefully, so one that is not compiled yet."""
        layout = self._on_trial.get(mti + bitmap)
        if layout is None:
            make_room(self._on_trial, ON_TRIAL_MAX)
            layout = self._on_trial[mti + bitmap] = Layout(self, mti, bitmap)
        return layout

    def _compile(self, layout: Layout) -> None:
        make_room(self._known, KNOWN_MAX)
        self._known[layout.head] = layout.reader()
        self._on_trial.pop(layout.head, None)
