"""Writes pyiso8583 specs out of a data dictionary: one row of properties for every element.

A style says how each kind of element goes to the wire; the dictionary says how long it is.
Dialects differ in little else, and what they do differ in they say themselves. How a row
becomes functions is the codec's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from protocols.elements import Element, Kind

Row = dict[str, Any]
Spec = dict[str, Row]

NO_HEADER: Final = 0
BINARY: Final = "b"
MTI_LENGTH, BITMAP_LENGTH = 4, 8
PACKED_KINDS: Final = (Kind.N, Kind.XN)


@dataclass(frozen=True, slots=True)
class Style:
    """How a dialect writes: its text, its length prefixes, its numbers, its bytes.

    `lengths` is a character set, `bcd` or `b`. Packed numbers take two digits to the byte,
    an odd one with a pad on the left; raw bytes are bytes, and else hex in the text's characters.
    """

    text: str = "ascii"
    lengths: str = "ascii"
    is_packed: bool = False
    is_raw: bool = True


def spec_of(dictionary: Mapping[int, Element], style: Style, changes: Mapping[int, Row] | None = None) -> Spec:
    """The spec of every element in this style, but for the properties that change.

    >>> from protocols.elements import ELEMENTS
    >>> spec_of(ELEMENTS, Style(lengths="bcd", is_packed=True))["49"]["max_len"]
    3
    """
    spec = {
        "h": _row(style.text, style.text, 0, NO_HEADER, "Message header"),
        "t": _row(BINARY if style.is_packed else style.text, style.text, 0, MTI_LENGTH, "Message type"),
        "p": _bitmap(style, "Bitmap, primary"),
        "1": _bitmap(style, "Bitmap, secondary"),
    }
    if style.is_packed:
        spec["t"]["max_len"] = MTI_LENGTH // 2
    for number, element in dictionary.items():
        if number > 1:
            spec[str(number)] = {**_element(element, style), **(changes or {}).get(number, {})}
    return spec


def packed(longest: int, style: Style, *, prefix: int = 0, right: str | None = None) -> Row:
    """The properties of digits packed two to the byte, with a pad on the right where one is given."""
    pads = {"left_pad": "0", "right_pad": ""} if right is None else {"left_pad": "", "right_pad": right}
    row = {"data_enc": BINARY, "len_enc": style.lengths, "len_type": _width(style, prefix), "max_len": longest}
    return row | {"len_count": "nibbles"} | pads


def text(longest: int, style: Style) -> Row:
    """The properties of a fixed element in characters."""
    return {"data_enc": style.text, "len_enc": style.lengths, "len_type": 0, "max_len": longest, "len_count": "bytes"}


def _element(element: Element, style: Style) -> Row:
    width = _width(style, element.prefix)
    if style.is_packed and element.kind is Kind.N:
        return packed(element.length, style, prefix=element.prefix) | {"desc": element.title}
    if style.is_packed and element.kind is Kind.XN:
        # A sign, and the digits packed behind it: counted in bytes.
        return _row(BINARY, style.lengths, width, 1 + element.length // 2, element.title)
    if element.kind is Kind.B:
        if style.is_raw:
            return _row(BINARY, style.lengths, width, element.length, element.title)
        return _row(style.text, style.lengths, width, 2 * element.length, element.title)
    return _row(style.text, style.lengths, width, element.length, element.title)


def _bitmap(style: Style, title: str) -> Row:
    if style.is_raw:
        return _row(BINARY, style.text, 0, BITMAP_LENGTH, title)
    return _row(style.text, style.text, 0, 2 * BITMAP_LENGTH, title)


def _row(data: str, lengths: str, width: int, longest: int, title: str) -> Row:
    most = {BINARY: 256**width, "bcd": 100**width}.get(lengths, 10**width) - 1  # what a prefix can say
    return {
        "data_enc": data,
        "len_enc": lengths,
        "len_type": width,
        "max_len": min(longest, most) if width else longest,
        "desc": title,
    }


def _width(style: Style, digits: int) -> int:
    """The bytes of a prefix of so many digits."""
    return {"bcd": (digits + 1) // 2, BINARY: min(digits, 1)}.get(style.lengths, digits)
