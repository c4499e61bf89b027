"""Hypothesis strategies for the codec's tests: values, messages and broken frames of any dialect."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from protocols.dialect import Dialect
from protocols.elements import ELEMENTS, PAN, TRACK_2, Kind
from protocols.mti import MESSAGE_TYPES

ELEMENT_NUMBERS = [number for number in range(2, 129) if number != 65]
DIGITS = "0123456789"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

# Only the types this network knows are ever compiled, so they come first.
mtis = st.sampled_from(sorted(MESSAGE_TYPES)) | st.text(DIGITS, min_size=4, max_size=4)


def value_of(number: int, spec: Any) -> st.SearchStrategy[str]:
    """A canonical value of one element: short ones preferred, but of any allowed length."""
    row, kind = spec[str(number)], ELEMENTS[number].kind
    least, most = (0, row["max_len"]) if row["len_type"] else (row["max_len"], row["max_len"])
    if number == PAN:
        return st.text(DIGITS, min_size=8, max_size=19)
    if number == TRACK_2:
        return st.from_regex(r"[0-9]{8,19}[=D][0-9=D]{0,17}", fullmatch=True)
    if kind is Kind.B:
        size = most if row["data_enc"] == "b" else most // 2
        return st.binary(min_size=size if least else 0, max_size=size).map(lambda data: data.hex().upper())
    if kind is Kind.XN:
        return st.builds(str.__add__, st.sampled_from("CD"), st.text(DIGITS, min_size=most - 1, max_size=most - 1))
    return st.text(DIGITS if kind is Kind.N else PRINTABLE, min_size=least, max_size=most)


@st.composite
def values(draw: st.DrawFn, dialect: Dialect) -> dict[int, str]:
    """Some elements of a message, in any order."""
    numbers = draw(st.lists(st.sampled_from(ELEMENT_NUMBERS), min_size=1, max_size=12, unique=True))
    return {number: draw(value_of(number, dialect.spec)) for number in numbers}


@st.composite
def broken(draw: st.DrawFn, frame: bytes) -> bytes:
    """The frame with a few bytes set, cut out or put in; sometimes it still reads."""
    data = bytearray(frame)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        stray = draw(st.sampled_from(b"0 19aAfF=DC+-_\x00\x1b\xb2\xff"))
        data[at : at + draw(st.integers(0, 2))] = bytes([stray] * draw(st.integers(0, 2)))
    return bytes(data)
