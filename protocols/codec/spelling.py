"""How one dialect spells one data element: its length prefix, its characters, its bytes.

Everything here is a table made once per dialect from the pyiso8583 spec and the
data dictionary. A length prefix is looked up, not parsed: what is not one of the
allowed lengths is simply not in the table, so `int`'s taste for signs, spaces
and underscores never comes into play. Where elements lie in a frame belongs to
the layout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from protocols import elements
from protocols.elements import ELEMENTS, Kind
from protocols.errors import LocalProtocolError

SpecRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """What bytes a value may be made of.

    `judge` turns every allowed byte into ASCII and every other one into 0xFF, so that
    two calls in C answer for a whole run of bytes: `data.translate(judge).isascii()`.
    """

    name: str
    judge: bytes

    def holds(self, data: bytes) -> bool:
        return data.translate(self.judge).isascii()


def _content(name: str, allowed: bytes) -> Content:
    return Content(name, bytes(0 if byte in allowed else 0xFF for byte in range(256)))


DIGITS: Final = _content("digits", b"0123456789")
HEX: Final = _content("hex", b"0123456789abcdefABCDEF")
PRINTABLE: Final = _content("printable", bytes(range(0x20, 0x7F)))
ANY: Final = _content("bytes", bytes(range(256)))

# Whoever is not named here is printable text: ISO 8583 leaves its inner form to private agreement.
CONTENT_OF_KIND: Final[Mapping[Kind, Content]] = {Kind.N: DIGITS, Kind.B: HEX}

# What an alphabet cannot say: a sign before the digits, a card number before the separator.
SIGNED: Final = re.compile(rb"[CD][0-9]+")
TRACK_2: Final = re.compile(rb"[0-9]{8,19}[=D][0-9=D]*")  # ISO/IEC 7813; sentinels are the reader's business

# An empty card number or track names no card, and ISO/IEC 7812-1 knows none of fewer than 8 digits.
SHORTEST: Final[Mapping[int, int]] = {elements.PAN: 8, elements.TRACK_2: 9}


@dataclass(frozen=True, slots=True)
class Spelling:
    """One element in one dialect. All sizes are bytes on the wire.

    A fixed element has `size`; a variable one has a prefix of `prefix_width` bytes,
    `sizes` from prefix to size, and `prefixes` back. `form` is the pattern a value must
    match where its alphabet does not say enough. `is_raw`: bytes here, hex for us.
    """

    number: int
    size: int
    prefix_width: int
    sizes: Mapping[bytes, int]
    prefixes: Mapping[int, str]
    content: Content
    form: re.Pattern[bytes] | None = None
    is_hex: bool = False
    is_raw: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the bytes on the wire, as Latin-1, are the canonical value as it stands."""
        return not self.is_hex

    def holds(self, data: bytes) -> bool:
        """Whether these bytes can be a value of the element; their number is checked elsewhere."""
        return self.content.holds(data) and (self.form is None or self.form.fullmatch(data) is not None)

    def stated_size(self, prefix: bytes) -> int | None:
        """The size that a prefix states, allowed or not; None when it is not a number at all."""
        if not self.prefix_width:
            return self.size
        return int(prefix) if len(prefix) == self.prefix_width and prefix.isdigit() else None

    def read(self, data: bytes) -> str:
        """The canonical value: text, or upper-case hex."""
        if self.is_raw:
            return data.hex().upper()
        text = data.decode("latin-1")
        return text.upper() if self.is_hex else text

    def write(self, value: str | None) -> bytes:
        """The bytes on the wire, prefix included."""
        data = self._bytes_of(value)
        if not self.holds(data):
            raise LocalProtocolError(f"DE {self.number} is not {self.content.name} in the right form")
        if not self.prefix_width:
            if len(data) != self.size:
                raise LocalProtocolError(f"DE {self.number} takes {self.size} bytes, not {len(data)}")
            return data
        if len(data) not in self.prefixes:
            raise LocalProtocolError(f"DE {self.number} cannot be {len(data)} bytes long")
        return self.prefixes[len(data)].encode() + data

    def _bytes_of(self, value: str | None) -> bytes:
        if not isinstance(value, str):
            raise LocalProtocolError(f"DE {self.number} takes text, not {type(value).__name__}")
        if not value.isascii():
            raise LocalProtocolError(f"DE {self.number} is not ASCII")
        if not self.is_hex:
            return value.encode()
        if not HEX.holds(value.encode()) or len(value) % 2:
            raise LocalProtocolError(f"DE {self.number} is not whole bytes in hex")
        return bytes.fromhex(value) if self.is_raw else value.upper().encode()


def spelling_of(number: int, row: SpecRow) -> Spelling:
    """The spelling of one element, from its row of a pyiso8583 spec and its kind in the data dictionary."""
    kind = ELEMENTS[number].kind
    is_raw = row["data_enc"] == "b"
    width, longest = row["len_type"], row["max_len"]
    step = 2 if kind is Kind.B and not is_raw else 1  # two hex digits to the byte
    sizes, prefixes = _lengths(width, SHORTEST.get(number, 0), longest, step)
    return Spelling(
        number=number,
        size=0 if width else longest,
        prefix_width=width,
        sizes=sizes,
        prefixes=prefixes,
        content=ANY if is_raw else CONTENT_OF_KIND.get(kind, PRINTABLE),
        form=TRACK_2 if number == elements.TRACK_2 else SIGNED if kind is Kind.XN else None,
        is_hex=kind is Kind.B,
        is_raw=is_raw,
    )


@cache  # some fifty elements of every dialect share a handful of these, of up to a thousand rows each
def _lengths(width: int, least: int, most: int, step: int) -> tuple[dict[bytes, int], dict[int, str]]:
    """Length prefix to size and back, for the allowed sizes; a fixed element has no prefixes."""
    sizes = {b"%0*d" % (width, size): size for size in range(least, most + 1, step)} if width else {}
    return sizes, {size: prefix.decode("ascii") for prefix, size in sizes.items()}
