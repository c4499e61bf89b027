"""Frame to Message and back, for one dialect.

A frame is not taken apart: a function written for its message type and bitmap
checks it and finds where its elements are, and nothing is decoded until it is
asked for. The codec keeps the layouts it has met, within a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from protocols.codec import careful
from protocols.codec.bitmap import BitmapForm, MtiForm
from protocols.codec.charset import PLAIN, Charset, charset_named
from protocols.codec.layout import Layout, keepable
from protocols.codec.recipe import Recipes
from protocols.codec.room import make_room
from protocols.codec.spelling import spelling_of
from protocols.elements import EXTENDED_BITMAP
from protocols.message import Message
from protocols.mti import MESSAGE_TYPES, is_known

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
        self.mtis = MtiForm(*_form(dialect.spec["t"]))
        self.bitmaps = BitmapForm(*_form(dialect.spec["p"]))
        # The message types of this dialect's own version, as they are on the wire.
        self._mtis = {mti: self.mtis.write(mti) for mti in map(self._own, MESSAGE_TYPES)}
        self.answers = {
            self._own(mti): self._mtis[self._own(row.answer)] for mti, row in MESSAGE_TYPES.items() if row.answer
        }
        numbers = [number for number in range(2, ELEMENTS_LAST + 1) if number != EXTENDED_BITMAP]
        self.spellings = {n: spelling_of(dialect.spec[str(n)], dialect.dictionary[n]) for n in numbers}
        self.keepable = keepable(dialect.dictionary)
        self._from_nothing = Recipes(self, (), {})
        self._known: dict[bytes, Reader] = {}  # by all that comes before the elements
        self._compiled: dict[bytes, Layout] = {}  # the layouts of these
        self._on_trial: dict[bytes, Layout] = {}
        self._reader_of = self._known.get
        self.shortest_head = self.mtis.size + self.bitmaps.size
        self._two_bitmaps = self.mtis.size + 2 * self.bitmaps.size

    def decode(self, frame: bytes) -> Message:
        """The message in a frame; FormatError names what cannot be read."""
        # Most messages have one bitmap, and looking in vain is quicker than looking at the bit.
        read = self._reader_of(frame[: self.shortest_head]) or self._reader_of(frame[: self._two_bitmaps])
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
        return self._from_nothing.write(b"", (0,), self.mti_on_the_wire(mti), values, may_drop=False)

    def layout(self, head: bytes) -> Layout | None:
        """The layout of frames that begin so, if there have been enough of them to keep it."""
        return self._compiled.get(head)

    def mti_on_the_wire(self, mti: str) -> bytes:
        """The bytes of a message type, known to this network or not; four digits it must be."""
        return self._mtis.get(mti) or self.mtis.write(mti)

    def knows(self, mti: str) -> bool:
        """Whether the network has this message type, in the version that the dialect speaks."""
        return mti[0] == self.dialect.version and is_known(f"0{mti[1:]}")

    def _own(self, mti: str) -> str:
        """A message type of the internal form with this dialect's version in front."""
        return f"{self.dialect.version}{mti[1:]}"

    def _decode_carefully(self, frame: bytes) -> Message:
        bitmap, at = careful.read(self, frame)
        layout = self._layout(frame[: self.mtis.size], bitmap)
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
        make_room(self._compiled, KNOWN_MAX)
        self._known[layout.head] = layout.reader()
        self._compiled[layout.head] = layout
        self._on_trial.pop(layout.head, None)


def _form(row: Mapping[str, Any]) -> tuple[bool, Charset]:
    """Whether a message type or bitmap is bytes; and if not, the character set it is text in."""
    is_raw = row["data_enc"] == "b"
    return is_raw, PLAIN if is_raw else charset_named(row["data_enc"])
