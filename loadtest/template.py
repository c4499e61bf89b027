"""A template: a message encoded once, in which only what differs is patched in place.

The holes (amount, times, numbers, card) are found by encoding the message twice with other values there and looking
where the bytes differ; so any dialect will do, a header and the framing's length included. Where all holes are plain
text, a message is one formatting operation (2 µs). A dialect of another edition is met at a border and has no fixed
places: there every message is encoded anew, thirty times slower and as right. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Final

from loadtest.flow import answers
from protocols.border import Border
from protocols.codec.spelling import Spelling, spelling_of
from protocols.dialect import Dialect
from protocols.elements import EXTENDED_BITMAP, MAC, MAC_2
from protocols.errors import LocalProtocolError
from protocols.framing import Framing
from protocols.seal import DIGITS

Values = tuple[str, ...]
AUDITED: Final = (2, 4, 11, 37, 41, 49)  # must come back as they went out
VARIANTS_MAX: Final = 64  # of lengths: card numbers have seven

_LOW, _HIGH = "0", "1"  # whatever the spelling, these two differ in every byte


class Template:
    """A message of one step. `render` wants the values of `holes`, in that order."""

    def __init__(self, mti: str, elements: Mapping[int, str], dialect: Dialect, framing: Framing) -> None:
        """`elements`: number -> a constant, or `$name` for what is filled in."""
        self.mti = mti
        self.answer = answers(mti)
        self.constants = {number: value for number, value in elements.items() if not value.startswith("$")}
        holes = sorted((number, value[1:]) for number, value in elements.items() if value.startswith("$"))
        self.numbers = tuple(number for number, _ in holes)
        self.holes = tuple(name for _, name in holes)
        self._dialect, self._framing = dialect, framing
        self._where = {number: place for place, number in enumerate(self.numbers)}
        self.fill = picker_of(self.holes)
        self.audited = self.getter(AUDITED)
        self.key = self.getter(())  # the values of the match key; set by who knows it
        self._spellings = [spelling_of(dialect.spec[str(n)], dialect.dictionary[n]) for n in self.numbers]
        self._variable = [place for place, one in enumerate(self._spellings) if one.prefix_width]
        self._renderers: dict[int | tuple[int, ...], Callable[[Values], bytes]] = {}
        self.is_patched = not isinstance(dialect, Border)

    def render(self, values: Values) -> bytes:
        """The framed message, ready to send. LocalProtocolError for values that cannot be spelled."""
        variable = self._variable
        lengths = len(values[variable[0]]) if len(variable) == 1 else tuple([len(values[place]) for place in variable])
        renderer = self._renderers.get(lengths)
        if renderer is None:
            renderer = self._patching(values) if self.is_patched else self._encoded
            if len(self._renderers) < VARIANTS_MAX:
                self._renderers[lengths] = renderer
        return renderer(values)

    def value(self, number: int, values: Values) -> str | None:
        """What a message with these values has in an element."""
        place = self._where.get(number)
        return self.constants.get(number) if place is None else values[place]

    def getter(self, numbers: Sequence[int]) -> Callable[[Values], tuple[str | None, ...]]:
        """Reads several elements off a message's values, quickly."""
        if all(number in self._where for number in numbers) and len(numbers) > 1:
            return itemgetter(*(self._where[number] for number in numbers))
        value = self.value
        return lambda values: tuple([value(number, values) for number in numbers])

    def elements(self, values: Values) -> dict[int, str]:
        """All elements of a message with these values."""
        return {**self.constants, **dict(zip(self.numbers, values, strict=True))}

    def _encoded(self, values: Values) -> bytes:
        return self._framing.pack(self._dialect.encode(self.mti, self.elements(values)))

    def _patching(self, values: Values) -> Callable[[Values], bytes]:
        """A renderer for values of these lengths; encoding anew where an element takes no other digits (a track)."""
        try:
            return self._renderer(values)
        except LocalProtocolError:
            return self._encoded

    def _renderer(self, values: Values) -> Callable[[Values], bytes]:
        """Writes messages whose values are as long as these."""
        low = tuple(_LOW * len(value) for value in values)
        base = self._encoded(low)
        spans = [self._span(base, low, place) for place in range(len(values))]
        pieces, at = [], 0
        for begin, end in spans:
            pieces.append(base[at:begin])
            at = end
        pieces.append(base[at:])
        writers = [_writer(spelling) for spelling in self._spellings]
        if all(writer is None for writer in writers):
            text = "%s".join(piece.decode("latin-1").replace("%", "%%") for piece in pieces)
            return lambda filled: (text % filled).encode("latin-1")
        data = b"%b".join(piece.replace(b"%", b"%%") for piece in pieces)
        spelled = [writer or str.encode for writer in writers]
        return lambda filled: data % tuple([write(value) for write, value in zip(spelled, filled, strict=True)])

    def _span(self, base: bytes, low: Values, place: int) -> tuple[int, int]:
        other = (*low[:place], _HIGH * len(low[place]), *low[place + 1 :])
        changed = [at for at, (a, b) in enumerate(zip(base, self._encoded(other), strict=True)) if a != b]
        return changed[0], changed[-1] + 1


class SealedTemplate(Template):
    """A template whose last element is the MAC of all that stands before it, from the message type on."""

    def __init__(
        self, mti: str, elements: Mapping[int, str], dialect: Dialect, framing: Framing, macs: Callable[[bytes], str]
    ) -> None:
        """`macs`: sixteen hex digits for the bytes that are covered."""
        place = MAC_2 if any(number > EXTENDED_BITMAP for number in elements) else MAC
        super().__init__(mti, {**elements, place: "0" * DIGITS}, dialect, framing)
        spoken = dialect.foreign if isinstance(dialect, Border) else dialect
        self._spell = spelling_of(spoken.spec[str(place)], spoken.dictionary[place]).write
        self._begin = framing.width + (spoken.header.length if spoken.header else 0)
        self._end = -len(self._spell("0" * DIGITS))
        self._macs = macs

    def render(self, values: Values) -> bytes:
        frame, end = super().render(values), self._end
        return frame[:end] + self._spell(self._macs(frame[self._begin : end]))


def picker_of(names: Sequence[str]) -> Callable[[Mapping[str, str]], Values]:
    """Takes these out of a mapping, always as a tuple."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple([values[name] for name in names])


def _writer(spelling: Spelling) -> Callable[[str], bytes] | None:
    """The bytes of a value without its length prefix; None where they are its characters."""
    if spelling.is_text:
        return None
    width, write = spelling.prefix_width, spelling.write
    return (lambda value: write(value)[width:]) if width else write
