"""The index codec against pyiso8583: the same values, the same bytes, the same refusals but for a stated list."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import iso8583
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codec import careful, codec, recipe
from protocols.dialect import Dialect
from protocols.dialects import dialect_named, names
from protocols.elements import Kind
from protocols.errors import FormatError, LocalProtocolError
from tests import builders
from tests.protocols.wire import broken, example_of, heard, mtis, own, told, values

DIALECTS = [dialect_named(name) for name in names()]
BY_NAME = [pytest.param(dialect, id=dialect.name) for dialect in DIALECTS]
OF_1987 = [pytest.param(dialect, id=dialect.name) for dialect in DIALECTS if dialect.version == "0"]
ASCII, BINMAP = dialect_named("iso87_ascii"), dialect_named("iso87_ascii_binmap")
OFTEN = 4  # often enough that the quick functions are at work

dialects = st.sampled_from(DIALECTS)


def theirs(dialect: Dialect, mti: str, elements: dict[int, str]) -> bytes:
    """pyiso8583's frame. It changes what it is given and drops 1 and 65 without a word, so it gets a copy."""
    frame, _ = iso8583.encode({"t": mti, **told(dialect, elements)}, dialect.spec)
    return dialect.opened(bytes(frame))


def bare(dialect: Dialect, frame: bytes) -> bytes:
    """Without the header, of which pyiso8583 is told nothing."""
    return frame[dialect.header.length :] if dialect.header else frame


def test_the_example_of_pyiso8583_reads_and_is_written() -> None:
    frame = b"02004010100000000000161234567890123456123456111"
    elements = {2: "1234567890123456", 12: "123456", 20: "111"}
    assert dict(ASCII.decode(frame).items()) == elements
    assert ASCII.encode("0200", elements) == frame


@given(st.data(), dialects, mtis)
def test_what_we_write_is_what_pyiso8583_writes(data: st.DataObject, dialect: Dialect, mti: str) -> None:
    mti, elements = own(dialect, mti), data.draw(values(dialect))
    for _ in range(OFTEN):
        assert dialect.encode(mti, elements) == theirs(dialect, mti, elements)


@given(st.data(), dialects, mtis)
def test_what_we_read_is_what_pyiso8583_reads(data: st.DataObject, dialect: Dialect, mti: str) -> None:
    mti, elements = own(dialect, mti), data.draw(values(dialect))
    frame = theirs(dialect, mti, elements)
    for _ in range(OFTEN):
        message = dialect.decode(frame)
        assert message.mti == mti
        assert dict(message.items()) == elements
        assert message.numbers() == tuple(sorted(elements))


# Where we are stricter, and why. Each line: a name, and whether it applies to what pyiso8583 read.
@dataclass(frozen=True)
class Read:
    """What pyiso8583 made of a frame: head and elements, the latter in canonical form, and the length prefixes."""

    dialect: Dialect
    head: dict[str, str]
    elements: dict[int, str]
    prefixes: dict[int, bytes]

    @classmethod
    def of(cls, dialect: Dialect, frame: bytes) -> Read:
        document, wire = iso8583.decode(bare(dialect, frame), dialect.spec)
        numbers = [int(key) for key in document if key.isdigit() and key not in ("1", "65")]
        head = {key: document.get(key, "") for key in ("t", "p", "1")}
        elements = {n: heard(dialect, n, document[str(n)]) if n <= 128 else "" for n in numbers}
        return cls(dialect, head, elements, {n: wire[str(n)]["len"] for n in numbers if n <= 128})

    def of_kind(self, kind: Kind) -> list[str]:
        return [value for n, value in self.elements.items() if n <= 128 and self.dialect.dictionary[n].kind is kind]

    def lengths(self) -> list[str]:
        """The length prefixes that are text."""
        encodings = {n: self.dialect.spec[str(n)]["len_enc"] for n in self.prefixes}
        return [prefix.decode(encodings[n]) for n, prefix in self.prefixes.items() if encodings[n] not in ("b", "bcd")]


HEX = re.compile(r"[0-9A-Fa-f]*")

STRICTER: dict[str, Callable[[Read], bool]] = {
    # A message type is digits; pyiso8583 takes any four characters.
    "letters in the message type": lambda read: not re.fullmatch("[0-9]{4}", read.head["t"]),
    # `bytes.fromhex` skips white space, so a hex bitmap of sixteen characters may hold fewer bits.
    "spaces in a bitmap": lambda read: not HEX.fullmatch(read.head["p"] + read.head["1"]),
    # It says nothing and cannot be answered.
    "no element at all": lambda read: not read.elements,
    # A third bitmap: this network has none.
    "DE 65": lambda read: len(read.head["1"]) > 16,
    # `int` takes " 4", "+4", "1_" and "4 ".
    "length prefix not digits": lambda read: any(re.search("[^0-9]", length) for length in read.lengths()),
    # pyiso8583 knows no kinds, only encodings.
    "numeric element not digits": lambda read: any(not re.fullmatch("[0-9]*", v) for v in read.of_kind(Kind.N)),
    "binary element not hex": lambda read: any(not HEX.fullmatch(value) for value in read.of_kind(Kind.B)),
    "binary element of half a byte": lambda read: any(len(value) % 2 for value in read.of_kind(Kind.B)),
    "amount without its sign": lambda read: any(not re.fullmatch("[CD][0-9]+", v) for v in read.of_kind(Kind.XN)),
    # Control characters steer terminals and forge log lines; ISO 8583 has none in its character sets.
    "control character": lambda read: any(re.search("[^ -~]", value) for value in read.elements.values()),
    # ISO/IEC 7812-1: 8 to 19 digits. So LL 00 names no card, and means the element should have been left out.
    "card number too short": lambda read: len(read.elements.get(2, "88888888")) < 8,
    # ISO/IEC 7813: a card number, a separator, the rest; sentinels belong to the card reader. LL 00 as above.
    "track 2 out of form": lambda read: not re.fullmatch("[0-9]{8,19}[=D][0-9=D]*", read.elements.get(35, "88888888=")),
}


def stricter(dialect: Dialect, frame: bytes) -> tuple[list[str], Read] | None:
    """The lines of the list that refuse what pyiso8583 reads; None when it refuses too."""
    try:
        read = Read.of(dialect, frame)
    except iso8583.DecodeError:
        return None
    return [name for name, applies in STRICTER.items() if applies(read)], read


@given(st.data(), dialects, mtis)
def test_we_refuse_what_pyiso8583_refuses_and_what_the_list_names(
    data: st.DataObject, dialect: Dialect, mti: str
) -> None:
    sound = theirs(dialect, own(dialect, mti), data.draw(values(dialect)))
    for _ in range(OFTEN):
        dialect.decode(sound)
    frame = data.draw(broken(sound))
    found = stricter(dialect, frame)
    if found is not None and not found[0]:
        assert dict(dialect.decode(frame).items()) == found[1].elements
    else:
        with pytest.raises(FormatError):
            dialect.decode(frame)


@given(st.data(), dialects)
def test_any_bytes_at_all_are_a_message_or_a_format_error(data: st.DataObject, dialect: Dialect) -> None:
    frame = data.draw(st.binary(max_size=60) | st.text("0123456789ABCDEF =").map(str.encode))
    try:
        dialect.decode(frame)
    except FormatError as broke:
        assert 0 <= broke.offset <= len(frame)
        assert (broke.mti is None) == (broke.slug == "format.mti")


@given(st.data(), dialects)
def test_what_is_readable_of_a_broken_frame_was_really_there(data: st.DataObject, dialect: Dialect) -> None:
    """Garbling one element's content loses that element and no other."""
    elements = data.draw(values(dialect))
    frame = dialect.encode("0100", elements)
    number = data.draw(st.sampled_from(sorted(elements)))
    is_any_byte = dialect.dictionary[number].kind is Kind.B and dialect.spec[str(number)]["data_enc"] == "b"
    if is_any_byte or not elements[number]:
        return
    spoilt = _spoil_element(dialect, frame, number)
    with pytest.raises(FormatError) as raised:
        dialect.decode(spoilt)
    assert raised.value.slug == f"format.de{number}"
    assert raised.value.readable == {n: v for n, v in elements.items() if n != number}


def _spoil_element(dialect: Dialect, frame: bytes, number: int) -> bytes:
    """The frame with the last byte of one element made 0xFF."""
    _, wire = iso8583.decode(bare(dialect, frame), dialect.spec)
    at = len(frame) - len(bare(dialect, frame))
    for key in ["t", "p", "1", *(str(n) for n in range(2, 129))]:
        at += sum(map(len, wire[key].values())) if key in wire else 0
        if key == str(number):
            break
    return frame[: at - 1] + b"\xff" + frame[at:]


def refused(frame: bytes, dialect: Dialect = ASCII) -> FormatError:
    """The error of a frame that must not read, and the same again when the layout is an old acquaintance."""
    for _ in range(OFTEN):
        dialect.decode(builders.frame(dialect=dialect.name))
        with pytest.raises(FormatError) as raised:
            dialect.decode(frame)
    return raised.value


def head(*numbers: int) -> bytes:
    """A 0100 up to its elements."""
    return b"0100" + ASCII._codec.bitmaps.write(numbers)


STAN_AND_MORE = {11: "000123", 41: "TERM0001"}
AFTER = b"000123TERM0001"

BAD_FRAMES = {
    "nothing": (b"", "format.mti", {}),
    "one byte": (b"0", "format.mti", {}),
    "letters in the message type": (b"01A0" + b"0" * 16, "format.mti", {}),
    "BCD where text is due": (b"\x01\x00\x30\x30" + b"0" * 16, "format.mti", {}),
    "a message type and no more": (b"0100", "format.bitmap", {}),
    "half a bitmap": (b"0100" + b"70200000", "format.bitmap", {}),
    "a bitmap of nothing": (b"0100" + b"0" * 16, "format.bitmap", {}),
    "two bitmaps of nothing": (b"0100" + b"8" + b"0" * 31, "format.bitmap", {}),
    "a bitmap with spaces": (b"0100" + b"0020 00000800000" + AFTER, "format.bitmap", {}),
    "a bitmap that is not hex": (b"0100" + b"00200000008G0000" + AFTER, "format.bitmap", {}),
    "no secondary bitmap": (b"0100" + b"8020000000800000", "format.bitmap", {}),
    "a third bitmap after DE 64": (
        head(11, 41)[:4] + b"80200000008000008" + b"0" * 15 + AFTER,
        "format.de65",
        STAN_AND_MORE,
    ),
    "a third bitmap after the second": (
        b"0100" + b"80200000008000008" + b"0" * 31 + AFTER,
        "format.de65",
        STAN_AND_MORE,
    ),
    "all bits set": (b"0100" + b"F" * 32, "format.de65", {}),
    "bytes left over": (head(11, 41) + AFTER + b"!", "format.frame", STAN_AND_MORE),
    "an element missing": (head(11, 41) + b"000123", "format.de41", {11: "000123"}),
    "letters in the amount": (head(4, 11, 41) + b"0000000120AB" + AFTER, "format.de4", STAN_AND_MORE),
    "a sign in the amount": (head(4, 11, 41) + b"-00000012000" + AFTER, "format.de4", STAN_AND_MORE),
    "a card number of no digits": (head(2, 11, 41) + b"00" + AFTER, "format.de2", STAN_AND_MORE),
    "a card number of 7 digits": (head(2, 11, 41) + b"079414100" + AFTER, "format.de2", STAN_AND_MORE),
    "a card number of 20 digits": (head(2, 11, 41) + b"20" + b"9" * 20 + AFTER, "format.de2", STAN_AND_MORE),
    "a card number not digits": (head(2, 11, 41) + b"0894141X00" + AFTER, "format.de2", STAN_AND_MORE),
    "LL 99 with little left": (head(2, 11, 41) + b"999" + AFTER, "format.de2", {}),
    "LL too great and the rest uneven": (head(2, 11, 41) + b"20" + b"9" * 16 + AFTER, "format.de2", {}),
    "LL too great and what follows looks sound": (
        head(2, 3, 4, 11, 41) + b"20" + b"9" * 16 + b"000000" + b"000000012000" + AFTER,
        "format.de2",
        {},
    ),
    "track 2 of nothing": (head(11, 35, 41) + b"00012300TERM0001", "format.de35", STAN_AND_MORE),
    "track 2 without separator": (head(11, 35, 41) + b"00012308" + b"94141000TERM0001", "format.de35", STAN_AND_MORE),
    "track 2 with sentinels": (head(11, 35, 41) + b"00012318;94141000=2912101?TERM0001", "format.de35", STAN_AND_MORE),
    "a PIN block not hex": (head(11, 41, 52) + AFTER + b"0123456789ABCDEG", "format.de52", STAN_AND_MORE),
    "a PIN block too short": (head(11, 41, 52) + AFTER + b"0123456789ABCDE", "format.de52", STAN_AND_MORE),
    "half a byte of chip data": (head(11, 41, 55) + AFTER + b"0039F2", "format.de55", STAN_AND_MORE),
    "a control character in the RRN": (
        head(11, 37, 41) + b"00012353272000012\x1bTERM0001",
        "format.de37",
        STAN_AND_MORE,
    ),
    "a line end in the private data": (head(11, 41, 48) + AFTER + b"004a\r\nb", "format.de48", STAN_AND_MORE),
    "a fee without sign": (head(11, 28, 41) + b"000123000000100TERM0001", "format.de28", STAN_AND_MORE),
}


@pytest.mark.parametrize(("frame", "slug", "readable"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_bad_frame_is_refused_by_name_and_the_rest_can_be_echoed(
    frame: bytes, slug: str, readable: dict[int, str]
) -> None:
    error = refused(frame)
    assert (error.slug, error.readable) == (slug, readable)


@pytest.mark.parametrize("prefix", [b"1 ", b" 8", b"+8", b"-1", b"1_", b"0x", b"\xb23", b"\xef\xbc"])
def test_a_length_that_int_would_take_is_no_length(prefix: bytes) -> None:
    error = refused(head(11, 32, 41) + b"000123" + prefix + b"78400100TERM0001")
    assert (error.slug, error.offset, error.readable) == ("format.de32", 26, {11: "000123"})


def test_a_bitmap_in_lower_case_reads() -> None:
    frame = builders.frame()
    lower = frame[:4] + frame[4:20].lower() + frame[20:]
    assert lower != frame
    assert dict(ASCII.decode(lower).items()) == builders.authorization()


def test_binary_elements_in_lower_case_read_as_upper_case() -> None:
    frame = builders.frame().replace(b"0123456789ABCDEF", b"0123456789abcdef")
    assert ASCII.decode(frame).pin_block == "0123456789ABCDEF"


def test_an_empty_secondary_bitmap_is_harmless() -> None:
    frame = b"0800" + b"8020000000000000" + b"0" * 16 + b"000123"
    assert dict(ASCII.decode(frame).items()) == {11: "000123"}


WRONG_VALUES = {
    "too short": {4: "12000"},
    "too long": {4: "0000000120000"},
    "not digits": {4: "0000000120,0"},
    "digits of another script": {11: "00012٣"},
    "superscript": {11: "00012²"},
    "not ASCII": {43: "Société".ljust(40)},
    "a control character": {41: "TERM\n001"},
    "a card number too short": {2: "9414100"},
    "a card number too long": {2: "9" * 20},
    "track 2 without separator": {35: "9414100000000018"},
    "not hex": {52: "0123456789ABCDEG"},
    "hex with a space": {52: "0123456789ABCDE "},
    "a letter whose capitals are hex": {52: "0123456789ABCD\ufb00"},
    "half a byte": {55: "9F2"},
    "too much chip data": {55: "00" * 256},
    "too long for LLL": {48: "x" * 1000},
    "a fee without sign": {28: "000000100"},
    "a bitmap": {1: "0" * 16},
    "a third bitmap": {65: "0" * 16},
    "beyond the last element": {129: "0"},
    "no element": {0: "0"},
    "nothing": {},
    "a number, not text": {4: 12000},
}


@pytest.mark.parametrize("dialect", BY_NAME)
@pytest.mark.parametrize("wrong", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_our_own_mistake_is_called_ours_and_shows_no_content(dialect: Dialect, wrong: dict[int, Any]) -> None:
    for _ in range(OFTEN):
        with pytest.raises(LocalProtocolError) as raised:
            dialect.encode("0100", wrong)
    assert not any(value in str(raised.value) for value in map(str, wrong.values()) if len(value) > 2)


@pytest.mark.parametrize("dialect", OF_1987)
@pytest.mark.parametrize("wrong", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_our_mistake_is_found_by_the_quick_function_too(dialect: Dialect, wrong: dict[int, Any]) -> None:
    """A recipe that has been used often is a compiled one; it must refuse the same."""
    sound = {n: v for n, v in {**builders.authorization(), 28: "D00000100", 55: "9F26"}.items() if n in wrong}
    if len(sound) == len(wrong) > 0:
        for _ in range(OFTEN):
            dialect.encode("0100", sound)
        with pytest.raises(LocalProtocolError):
            dialect.encode("0100", wrong)


@pytest.mark.parametrize("dialect", BY_NAME)
def test_the_quick_reading_and_the_careful_one_refuse_the_same(dialect: Dialect) -> None:
    """Every byte of a frame with every kind of element in it, made something else."""
    dialect = dialect.bare
    for numbers in SOME_OF_EVERY_KIND:
        frame = dialect.encode(own(dialect, "0100"), {number: example_of(number, dialect) for number in numbers})
        for _ in range(OFTEN):
            dialect.decode(frame)
        codec = dialect._codec
        head = codec.mtis.size + len(dialect.decode(frame).bitmap_key)
        assert frame[:head] in codec._known
        for at in range(head, len(frame)):
            for stray in b"0 AG=\x00\x12\xd2\xf1\xff":
                other = frame[:at] + bytes([stray]) + frame[at + 1 :]
                assert outcome(dialect.decode, other) == outcome(partial(careful.read, codec), other)


SOME_OF_EVERY_KIND = (
    (2, 3, 4, 11, 22, 28, 32, 35, 37, 41, 48, 49, 52, 54, 55, 64),
    (2, 12, 23, 24, 25, 33, 36, 39, 53, 70, 96, 97, 100, 102, 128),
    (32, 33, 35),
    (48, 32, 99),
)


def outcome(read: Callable[[bytes], object], frame: bytes) -> str:
    try:
        read(frame)
    except FormatError as broke:
        return broke.slug
    return "reads"


def test_binary_elements_go_out_in_upper_case() -> None:
    for _ in range(OFTEN):
        assert ASCII.encode("0100", {52: "0123456789abcdef"}).endswith(b"0123456789ABCDEF")
        assert BINMAP.encode("0100", {52: "0123456789abcdef"}).endswith(bytes.fromhex("0123456789abcdef"))


@pytest.mark.parametrize("mti", ["", "010", "01000", "01A0", "01 0", "010²"])
def test_a_message_type_of_ours_is_four_digits(mti: str) -> None:
    with pytest.raises(LocalProtocolError):
        ASCII.encode(mti, {11: "000123"})


def test_no_error_says_what_was_in_the_frame() -> None:
    error = refused(builders.frame().replace(b"000000012000", b"00000CANARY0"))
    assert "CANARY" not in f"{error!s}{error!r}{error.__cause__}{error.__context__}"
    assert error.readable[2] == "9414100000000018"
    assert "94141" not in f"{error!s}{error!r}"


def test_layouts_that_peers_choose_do_not_make_us_grow() -> None:
    dialect = replace(ASCII)
    ours = dialect._codec
    for number in range(codec.ON_TRIAL_MAX * 2):
        chosen = {11: "000123"} | {
            bit + 12: "0" * dialect.spec[str(bit + 12)]["max_len"] for bit in range(10) if number >> bit & 1
        }
        dialect.decode(ASCII.encode("0100", chosen))
    assert len(ours._on_trial) <= codec.ON_TRIAL_MAX
    assert not ours._known


def test_a_flood_of_strange_bitmaps_does_not_push_out_a_layout_in_use() -> None:
    dialect = replace(ASCII)
    for _ in range(OFTEN):
        dialect.decode(builders.frame())
    test = dict(dialect._codec._known)
    for number in range(2, 65):
        with pytest.raises(FormatError):
            dialect.decode(head(number) + b"\x00")
    assert dialect._codec._known == test


def test_a_message_type_that_this_network_does_not_have_is_not_compiled() -> None:
    dialect = replace(ASCII)
    for _ in range(OFTEN * 2):
        assert dialect.decode(builders.frame("0100").replace(b"0100", b"9909", 1)).mti == "9909"
    assert not dialect._codec._known


def test_recipes_are_bounded() -> None:
    message = builders.message()
    for number in range(recipe.RECIPES_MAX + 50):
        chosen = {bit + 11: "0" * ASCII.spec[str(bit + 11)]["max_len"] for bit in range(10) if number >> bit & 1}
        message.patched(chosen)
    assert len(message._layout.patches._known) <= recipe.RECIPES_MAX
