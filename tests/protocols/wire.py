"""Hypothesis strategies for the codec's tests: values, messages and broken frames of any dialect."""

from __future__ import annotations

from hypothesis import strategies as st

from protocols.dialect import Dialect
from protocols.elements import PAN, TRACK_2, Kind
from protocols.mti import MESSAGE_TYPES

ELEMENT_NUMBERS = [number for number in range(2, 129) if number != 65]
DIGITS = "0123456789"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

# Only the types this network knows are ever compiled, so they come first.
mtis = st.sampled_from(sorted(MESSAGE_TYPES)) | st.text(DIGITS, min_size=4, max_size=4)


def own(dialect: Dialect, mti: str) -> str:
    """A message type of this network in the dialect's own edition; any other as it is."""
    return f"{dialect.version}{mti[1:]}" if mti in MESSAGE_TYPES else mti


def is_packed(dialect: Dialect, number: int) -> bool:
    """Whether the element is digits, two to the byte."""
    return dialect.spec[str(number)]["data_enc"] == "b" and dialect.dictionary[number].kind in (Kind.N, Kind.Z, Kind.XN)


def told(dialect: Dialect, elements: dict[int, str]) -> dict[str, str]:
    """The elements as pyiso8583 wants them: it knows encodings, and no signs or separators in packed digits."""
    return {str(number): _told(dialect, number, value) for number, value in elements.items()}


def _told(dialect: Dialect, number: int, value: str) -> str:
    if not is_packed(dialect, number):
        return value
    if dialect.dictionary[number].kind is Kind.XN:
        return value[:1].encode().hex() + value[1:]
    return value.replace("=", "D")


def heard(dialect: Dialect, number: int, value: str) -> str:
    """An element as pyiso8583 read it, in canonical form."""
    kind = dialect.dictionary[number].kind
    if kind is Kind.B:
        return value.upper()
    if not is_packed(dialect, number):
        return value
    if kind is Kind.XN:
        return bytes.fromhex(value[:2]).decode("latin-1") + value[2:]
    return value.replace("D", "=") if kind is Kind.Z else value


def lengths(dialect: Dialect, number: int) -> tuple[int, int]:
    """The least and the greatest length of an element's canonical value."""
    row, kind = dialect.spec[str(number)], dialect.dictionary[number].kind
    most = row["max_len"]
    if row.get("len_count") != "nibbles" and row["data_enc"] == "b":
        most = 1 + 2 * (most - 1) if kind is Kind.XN else 2 * most
    return (0, most) if row["len_type"] else (most, most)


def value_of(number: int, dialect: Dialect) -> st.SearchStrategy[str]:
    """A canonical value of one element: short ones preferred, but of any allowed length."""
    kind = dialect.dictionary[number].kind
    least, most = lengths(dialect, number)
    if number == PAN:
        return st.text(DIGITS, min_size=8, max_size=19)
    if kind is Kind.Z and is_packed(dialect, number):
        return st.from_regex(r"[0-9]{8,19}=[0-9=]{0,17}", fullmatch=True)
    if number == TRACK_2:
        return st.from_regex(r"[0-9]{8,19}[=D][0-9=D]{0,17}", fullmatch=True)
    if kind is Kind.B:
        return st.binary(min_size=least // 2, max_size=most // 2).map(lambda data: data.hex().upper())
    if kind is Kind.XN:
        return st.builds(str.__add__, st.sampled_from("CD"), st.text(DIGITS, min_size=most - 1, max_size=most - 1))
    return st.text(DIGITS if kind is Kind.N else PRINTABLE, min_size=least, max_size=most)


@st.composite
def values(draw: st.DrawFn, dialect: Dialect) -> dict[int, str]:
    """Some elements of a message, in any order."""
    numbers = draw(st.lists(st.sampled_from(ELEMENT_NUMBERS), min_size=1, max_size=12, unique=True))
    return {number: draw(value_of(number, dialect)) for number in numbers}


def example_of(number: int, dialect: Dialect) -> str:
    """One value of an element, always the same; a variable one is of an odd length where it may be."""
    kind = dialect.dictionary[number].kind
    least, most = lengths(dialect, number)
    if number in EXAMPLES:
        return EXAMPLES[number]
    length = most if least else min(7, most)
    if kind is Kind.B:
        return "A1" * (most // 2 if least else 3)
    if kind is Kind.XN:
        return "D" + "1" * (length - 1)
    return ("1" if kind is Kind.N else "x") * length


EXAMPLES = {PAN: "378282246310005", TRACK_2: "378282246310005=29121011234"}


@st.composite
def broken(draw: st.DrawFn, frame: bytes) -> bytes:
    """The frame with a few bytes set, cut out or put in; sometimes it still reads."""
    data = bytearray(frame)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        stray = draw(st.sampled_from(b"0 19aAfF=DC+-_\x00\x1b\xb2\xff"))
        data[at : at + draw(st.integers(0, 2))] = bytes([stray] * draw(st.integers(0, 2)))
    return bytes(data)
