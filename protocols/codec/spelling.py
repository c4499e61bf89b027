"""How one dialect spells one data element: its length prefix, its characters, its bytes.

Everything here is a table made once per dialect from the pyiso8583 spec and the
data dictionary. A length prefix is looked up, not parsed: what is not one of the
allowed lengths is simply not in the table, so `int`'s taste for signs, spaces
and underscores never comes into play. Where elements lie in a frame belongs to
the layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, ClassVar, Final

from protocols import elements
from protocols.codec.charset import (
    ANY,
    DIGITS,
    HEX,
    PACKED_DIGITS,
    PACKED_TRACK,
    PLAIN,
    PRINTABLE,
    Charset,
    Content,
    charset_named,
)
from protocols.elements import Element, Kind
from protocols.errors import LocalProtocolError

SpecRow = Mapping[str, Any]

# What an alphabet cannot say: a sign before the digits, a card number before the separator.
SIGNED: Final = re.compile(rb"[CD][0-9]+")
TRACK_2: Final = re.compile(rb"[0-9]{8,19}[=D][0-9=D]*")  # ISO/IEC 7813; sentinels are the reader's business

# An empty card number or track names no card, and ISO/IEC 7812-1 knows none of fewer than 8 digits.
SHORTEST: Final[Mapping[int, int]] = {elements.PAN: 8, elements.TRACK_2: 9}

PACKED_SEPARATOR: Final = "D"  # what is left of "=" in half a byte
SIGN_SIZE: Final = 1  # of a signed amount in packed digits: one character, then the digits


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long an element may be, counted three ways.

    A canonical value has so many characters, the wire so many bytes, and the prefix says a
    number that may be either, or half bytes. A fixed element has no prefix: `characters` and
    `size` are its own. `counts` is for the slow path, which follows a wrong number on trial.
    """

    prefix_width: int
    characters: int
    size: int
    sizes: Mapping[bytes, int]  # prefix on the wire -> bytes
    lengths: Mapping[bytes, int]  # prefix on the wire -> characters
    prefixes: Mapping[int, str]  # characters -> the prefix's digits, before they are spelled
    on_wire: Mapping[int, bytes]  # characters -> prefix on the wire
    count: Callable[[bytes], int | None]
    size_of: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Joint:
    """How a value goes to the wire together with its neighbours: as text, tested once, then `finish`ed.

    `finish` is what turns the tested ASCII into the wire's bytes, None where it is that already.
    """

    content: Content
    finish: str | None = None
    table: bytes | None = None
    key: str = ""


@dataclass(frozen=True, eq=False)
class Spelling:
    """One element in one dialect: how a canonical value becomes bytes, and back.

    `content` is what the bytes on the wire are made of, `form` the pattern that a canonical
    value must match where its alphabet does not say enough.
    """

    number: int
    lengths: Lengths
    content: Content
    form: re.Pattern[bytes] | None = None

    is_text: ClassVar[bool] = False  # whether the bytes on the wire, as Latin-1, are the value as it stands
    is_hex_text: ClassVar[bool] = False  # the same of bytes in hex digits, in either case
    alphabet: ClassVar[str] = "printable"

    @property
    def prefix_width(self) -> int:
        return self.lengths.prefix_width

    @property
    def size(self) -> int:
        """Bytes of a fixed element."""
        return self.lengths.size

    @property
    def characters(self) -> int:
        """Characters of a fixed element's value."""
        return self.lengths.characters

    @property
    def sizes(self) -> Mapping[bytes, int]:
        return self.lengths.sizes

    @property
    def joint(self) -> Joint | None:
        """How it is written with its neighbours; None: alone."""
        return None

    @property
    def prefixes(self) -> Mapping[int, str]:
        """What is joined before a value of so many characters."""
        return self.lengths.prefixes

    @property
    def pad(self) -> tuple[bool, int] | None:
        """The half byte beside a fixed odd value, and whether it stands on the left."""
        return None

    @property
    def needs_itself(self) -> bool:
        """Whether a run's alphabet does not say enough of the bytes, so that `holds` must be asked."""
        return self.form is not None

    @property
    def printable(self) -> Content | None:
        """Printable text of its character set, where it is text."""
        return None

    @cached_property
    def is_prefix_content(self) -> bool:
        """Whether length prefixes are made of the same bytes as the value."""
        return all(map(self.content.holds, self.sizes))

    def stated_size(self, prefix: bytes) -> int | None:
        """The size that a prefix states, allowed or not; None when it is not a number at all."""
        if not self.prefix_width:
            return self.size
        count = self.lengths.count(prefix) if len(prefix) == self.prefix_width else None
        return None if count is None else self.lengths.size_of(count)

    def holds(self, data: bytes, prefix: bytes = b"") -> bool:
        """Whether these bytes can be a value of the element; their number is checked elsewhere."""
        return self.content.holds(data) and self._has_form(data, prefix)

    def read(self, data: bytes, prefix: bytes = b"") -> str:
        """The canonical value of bytes that hold: text, or upper-case hex."""
        raise NotImplementedError

    def write(self, value: str | None) -> bytes:
        """The bytes on the wire, prefix included."""
        if not isinstance(value, str):
            raise LocalProtocolError(f"DE {self.number} takes text, not {type(value).__name__}")
        if not value.isascii():
            raise LocalProtocolError(f"DE {self.number} is not ASCII")
        data = self._spelled(value)
        if self.form is not None and not self.form.fullmatch(value.encode()):
            raise LocalProtocolError(f"DE {self.number} is not {self.alphabet} in the right form")
        if not self.prefix_width:
            if len(value) != self.lengths.characters:
                raise LocalProtocolError(f"DE {self.number} takes {self.lengths.characters} characters")
            return data
        if len(value) not in self.lengths.on_wire:
            raise LocalProtocolError(f"DE {self.number} cannot be {len(value)} characters long")
        return self.lengths.on_wire[len(value)] + data

    def _has_form(self, data: bytes, prefix: bytes) -> bool:
        return self.form is None or self.form.fullmatch(self.read(data, prefix).encode()) is not None

    def _spelled(self, value: str) -> bytes:
        """The value's bytes; LocalProtocolError where its characters have none."""
        raise NotImplementedError

    def _wrong(self) -> LocalProtocolError:
        return LocalProtocolError(f"DE {self.number} is not {self.alphabet} in the right form")

    def _length(self, prefix: bytes) -> int:
        """How many characters a value has, in an element whose prefix is an allowed one."""
        return self.lengths.lengths.get(prefix, self.lengths.characters)


@dataclass(frozen=True, eq=False)
class Text(Spelling):
    """Characters, one byte each."""

    charset: Charset = PLAIN
    known: Content = PRINTABLE  # the same alphabet in ASCII
    is_prefix_alike: bool = True  # the prefix is text of the same character set

    @property
    def is_text(self) -> bool:  # type: ignore[override]
        return self.charset.is_plain

    @property
    def alphabet(self) -> str:  # type: ignore[override]
        return self.known.name

    @property
    def printable(self) -> Content | None:
        return self.charset.printable

    @property
    def joint(self) -> Joint | None:
        if not self.is_prefix_alike:
            return None
        return (
            Joint(self.known)
            if self.charset.is_plain
            else Joint(self.known, "translate", self.charset.to_wire, self.charset.name)
        )

    def read(self, data: bytes, prefix: bytes = b"") -> str:
        return self.charset.read(data)

    def _spelled(self, value: str) -> bytes:
        if not self.known.holds(value.encode()):
            raise self._wrong()
        return self.charset.written(value.encode())


@dataclass(frozen=True, eq=False)
class HexText(Text):
    """Bytes, written as two hex digits each; the value is upper case."""

    @property
    def is_text(self) -> bool:  # type: ignore[override]
        return False

    @property
    def is_hex_text(self) -> bool:  # type: ignore[override]
        return self.charset.is_plain

    def read(self, data: bytes, prefix: bytes = b"") -> str:
        return self.charset.read(data).upper()

    def _spelled(self, value: str) -> bytes:
        if len(value) % 2:
            raise self._wrong()
        return super()._spelled(value.upper())


@dataclass(frozen=True, eq=False)
class Raw(Spelling):
    """Bytes as they are; the value is their upper-case hex."""

    alphabet: ClassVar[str] = "whole bytes in hex"

    def read(self, data: bytes, prefix: bytes = b"") -> str:
        return data.hex().upper()

    def _spelled(self, value: str) -> bytes:
        if len(value) % 2 or not HEX.holds(value.encode()):
            raise self._wrong()
        return bytes.fromhex(value)


@dataclass(frozen=True, eq=False)
class Packed(Spelling):
    """Digits, two to the byte (BCD). An odd one out stands beside a pad, which is no digit of the value.

    A spec that states a pad for both sides writes the left one and reads either. In a track
    the separator is half a byte too; the value has the `=` that it stands for.
    """

    left: str = ""
    right: str = ""
    is_track: bool = False
    is_prefix_alike: bool = True  # the prefix is packed too

    alphabet: ClassVar[str] = "digits"

    @property
    def joint(self) -> Joint | None:
        """Alone where digits are not all there is to it."""
        if self.is_track or not self.is_prefix_alike or (self._may_be_odd and not self.left.isdigit()):
            return None
        return Joint(DIGITS, "unhex")

    @property
    def prefixes(self) -> Mapping[int, str]:
        return {length: digits + self.left * (length % 2) for length, digits in self.lengths.prefixes.items()}

    @property
    def pad(self) -> tuple[bool, int] | None:
        if self.prefix_width or not self._may_be_odd or bool(self.left) == bool(self.right):
            return None
        if not (self.left or self.right).isdigit():
            return None
        return bool(self.left), int(self.left or self.right)

    @property
    def needs_itself(self) -> bool:
        return self.form is not None or (self._may_be_odd and self.pad is None)

    def holds(self, data: bytes, prefix: bytes = b"") -> bool:
        digits: str | None = data.hex().upper()
        if digits and self._length(prefix) % 2:
            digits = self._without_pad(digits)
        return digits is not None and self._allowed(digits) and self._has_form(data, prefix)

    def read(self, data: bytes, prefix: bytes = b"") -> str:
        digits = data.hex().upper()
        if self._length(prefix) % 2:
            digits = self._without_pad(digits) or ""
        return digits.replace(PACKED_SEPARATOR, "=") if self.is_track else digits

    def _without_pad(self, digits: str) -> str | None:
        """The value's digits, where the pad is where it should be; the left one is looked for first."""
        if self.left and digits.startswith(self.left):
            return digits[1:]
        return digits[:-1] if self.right and digits.endswith(self.right) else None

    @property
    def _may_be_odd(self) -> bool:
        lengths = self.lengths.on_wire if self.prefix_width else (self.lengths.characters,)
        return any(length % 2 for length in lengths)

    def _allowed(self, digits: str) -> bool:
        plain = digits.replace(PACKED_SEPARATOR, "") if self.is_track else digits
        return not plain or DIGITS.holds(plain.encode())

    def _spelled(self, value: str) -> bytes:
        digits = value.replace("=", PACKED_SEPARATOR) if self.is_track else value
        if not self._allowed(digits):
            raise self._wrong()
        if len(digits) % 2:
            digits = self.left + digits if self.left else digits + self.right
        if len(digits) % 2:
            raise LocalProtocolError(f"DE {self.number} cannot be {len(value)} characters long")
        return bytes.fromhex(digits)


@dataclass(frozen=True, eq=False)
class PackedAmount(Spelling):
    """A sign, one character, and packed digits behind it: a fee in the manner of ISO87B."""

    charset: Charset = PLAIN

    alphabet: ClassVar[str] = "a sign and digits"

    @property
    def needs_itself(self) -> bool:
        return True

    def holds(self, data: bytes, prefix: bytes = b"") -> bool:
        return PACKED_DIGITS.holds(data[SIGN_SIZE:]) and self._has_form(data, prefix)

    def read(self, data: bytes, prefix: bytes = b"") -> str:
        return self.charset.read(data[:SIGN_SIZE]) + data[SIGN_SIZE:].hex().upper()

    def _spelled(self, value: str) -> bytes:
        if len(value) % 2 != SIGN_SIZE or not DIGITS.holds(value[SIGN_SIZE:].encode()):
            raise self._wrong()
        return self.charset.written(value[:SIGN_SIZE].encode()) + bytes.fromhex(value[SIGN_SIZE:])


def spelling_of(row: SpecRow, element: Element) -> Spelling:
    """The spelling of one element, from its row of a pyiso8583 spec and its own of the data dictionary."""
    number, kind = element.number, element.kind
    form = TRACK_2 if number == elements.TRACK_2 else SIGNED if kind is Kind.XN else None
    if row["data_enc"] != "b":
        return _text(row, element, form)
    if kind in (Kind.N, Kind.Z):
        return _packed(row, element, form)
    if kind is Kind.XN:
        return PackedAmount(number, _lengths(row, number, _signed, least=SIGN_SIZE), ANY, form)
    nibbles = _counts_nibbles(row)
    return Raw(number, _lengths(row, number, _same if nibbles else _double, step=2 if nibbles else 1), ANY, form)


def _text(row: SpecRow, element: Element, form: re.Pattern[bytes] | None) -> Spelling:
    charset = charset_named(row["data_enc"])
    is_alike = not row["len_type"] or (
        row["len_enc"] not in ("b", "bcd") and charset_named(row["len_enc"]).to_wire == charset.to_wire
    )
    nibbles, is_hex = _counts_nibbles(row), element.kind is Kind.B
    step = (2 if nibbles else 1) * (2 if is_hex else 1)  # two hex digits to the byte
    lengths = _lengths(row, element.number, _half if nibbles else _same, step=step)
    wire, known = {Kind.N: (charset.digits, DIGITS), Kind.B: (charset.hexadecimal, HEX)}.get(
        element.kind, (charset.printable, PRINTABLE)
    )
    return (HexText if is_hex else Text)(element.number, lengths, wire, form, charset, known, is_alike)


def _packed(row: SpecRow, element: Element, form: re.Pattern[bytes] | None) -> Spelling:
    left, right = row.get("left_pad", "")[:1].upper(), row.get("right_pad", "")[:1].upper()
    if not _counts_nibbles(row):
        left = right = ""
        lengths = _lengths(row, element.number, _double)
        if not row["len_type"] and lengths.characters == element.length + 1:
            # Whole bytes are stated, but the element has one digit fewer.
            left, lengths = "0", replace(lengths, characters=element.length)
    else:
        lengths = _lengths(row, element.number, _same, step=1 if left or right else 2)
    is_track = element.kind is Kind.Z
    wire = PACKED_TRACK if is_track else PACKED_DIGITS
    if not (left + right or "0").isdigit():
        wire = ANY
    is_alike = not row["len_type"] or row["len_enc"] == "bcd"
    return Packed(element.number, lengths, wire, form, left, right, is_track, is_alike)


def _counts_nibbles(row: SpecRow) -> bool:
    is_so: bool = row.get("len_count", "bytes") == "nibbles"
    return is_so


# What a number in a prefix (or of a fixed element) means, in characters of the value or in bytes.
def _same(count: int) -> int:
    return count


def _double(count: int) -> int:
    return 2 * count


def _half(count: int) -> int:
    return count // 2


def _half_or_more(count: int) -> int:
    return (count + 1) // 2


def _signed(count: int) -> int:
    return SIGN_SIZE + 2 * (count - SIGN_SIZE)


def _lengths(row: SpecRow, number: int, characters: Callable[[int], int], *, step: int = 1, least: int = 0) -> Lengths:
    size_of = _half_or_more if _counts_nibbles(row) else _same
    return _tables(
        row["len_enc"], row["len_type"], row["max_len"], step, least, SHORTEST.get(number, 0), characters, size_of
    )


@cache  # some fifty elements of every dialect share a handful of these, of up to a thousand rows each
def _tables(
    encoding: str,
    width: int,
    most: int,
    step: int,
    least: int,
    shortest: int,
    characters: Callable[[int], int],
    size_of: Callable[[int], int],
) -> Lengths:
    """The tables of an element's lengths; of a fixed one they are empty."""
    if not width:
        return Lengths(0, characters(most), size_of(most), {}, {}, {}, {}, _no_count, size_of)
    write, count = _prefix(encoding, width)
    counts = [number for number in range(least, most + 1, step) if characters(number) >= shortest]
    digits = width * 2 if encoding == "bcd" else width
    return Lengths(
        width,
        characters=0,
        size=0,
        sizes={write(number): size_of(number) for number in counts},
        lengths={write(number): characters(number) for number in counts},
        prefixes={characters(number): f"{number:0{digits}d}" for number in counts},
        on_wire={characters(number): write(number) for number in counts},
        count=count,
        size_of=size_of,
    )


def _prefix(encoding: str, width: int) -> tuple[Callable[[int], bytes], Callable[[bytes], int | None]]:
    """How a length prefix is written, and which number one says; None where it is no number."""
    if encoding == "b":
        return lambda number: number.to_bytes(width, "big"), lambda prefix: int.from_bytes(prefix, "big")
    if encoding == "bcd":
        return (
            lambda number: bytes.fromhex(f"{number:0{2 * width}d}"),
            lambda prefix: int(prefix.hex()) if PACKED_DIGITS.holds(prefix) else None,
        )
    charset = charset_named(encoding)
    return (
        lambda number: charset.written(b"%0*d" % (width, number)),
        lambda prefix: int(charset.read(prefix)) if charset.digits.holds(prefix) else None,
    )


def _no_count(_prefix: bytes) -> None:
    return None
