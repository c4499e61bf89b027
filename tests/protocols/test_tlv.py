"""DE 55 is read strictly and within bounds, written back, and shown without its secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import tlv
from protocols.errors import FormatError, LocalProtocolError
from protocols.tlv import MAY_REPEAT, Tlv, TlvError, by_tag, card_numbers, flat, pack, parse, shown

# A chip's data as a terminal sends it in a 0100; the values are nobody's.
CHIP = bytes.fromhex(
    "9F2608A1B2C3D4E5F60718" "9F2701 80" "9F100706010A03A0A000" "9F37045EC0DE55" "9F36020042" "9505 0000008000"
    "9A03261118" "9C0100" "9F0206000000012000" "5F2A020784" "82021980" "9F1A020784" "9F3303E0F8C8" "5F340101"
)  # fmt: skip

simple_tags = st.sampled_from(["82", "95", "9A", "9C", "5A", "5F2A", "9F26", "9F27", "9F8101", "DF818101"])
constructed_tags = st.sampled_from(["E1", "E2", "70", "77", "BF0C", "FF8102"])
values = st.binary(max_size=20) | st.binary(min_size=126, max_size=130) | st.binary(min_size=255, max_size=300)


def trees(depth: int) -> st.SearchStrategy[tuple[Tlv, ...]]:
    """Data objects that may stand together: no tag of one level twice."""
    one = st.builds(Tlv, simple_tags, values)
    if depth:
        one |= st.builds(lambda tag, parts: Tlv(tag, parts=parts), constructed_tags, trees(depth - 1))
    return st.lists(one, max_size=4, unique_by=lambda tlv: tlv.tag).map(tuple)


def all_tags(objects: tuple[Tlv, ...]) -> list[str]:
    return [tag for one in objects for tag in (one.tag, *all_tags(one.parts))]


@given(trees(2))
def test_what_was_packed_is_parsed(objects: tuple[Tlv, ...]) -> None:
    tags = all_tags(objects)
    if len(set(tags)) == len(tags):
        assert parse(pack(objects)) == objects
    else:
        with pytest.raises(TlvError):
            parse(pack(objects))


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        objects = parse(data)
    except TlvError as error:
        assert (error.slug, error.element) == ("format.de55", 55)
        assert 0 <= error.offset <= len(data)
    else:
        assert parse(pack(objects)) == objects


@given(st.data())
def test_a_chips_data_with_one_byte_changed_or_cut_is_parsed_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(CHIP) - 1))
    changed = bytearray(CHIP)
    changed[at] = data.draw(st.integers(0, 255))
    for garbage in (bytes(changed), CHIP[:at]):
        try:
            parse(garbage)
        except TlvError as error:
            assert isinstance(error, FormatError)


def test_a_chips_data_is_read_whole() -> None:
    objects = parse(CHIP)
    assert len(objects) == 14
    assert pack(objects) == CHIP
    assert by_tag(objects)["9F02"] == bytes.fromhex("000000012000")


@pytest.mark.parametrize(
    ("hex_", "offset"),
    [
        ("9F", 0),
        ("9F26", 2),
        ("9F2608", 2),
        ("9F2608AABB", 2),
        ("5A80", 1),
        ("5A800000", 1),
        ("5A85000000000100", 1),
        ("5AFF", 1),
        ("5A887FFFFFFFFFFFFFFF", 1),
        ("5A84FFFFFFFF00", 1),
        ("5A82", 1),
        ("5A8201", 1),
        ("9FFFFFFFFFFFFFFF01", 0),
        ("9F8080808001", 0),
        ("9F800100", 0),
        ("00", 0),
        ("8200" + "00", 2),
        ("9F2601AA" + "9F2601AA", 4),
        ("E1049F260100" + "9F2601AA", 6),
        ("E1049F260200", 4),
    ],
    ids=[
        "half a tag", "no length", "no value", "short value", "indefinite", "indefinite with its end",
        "length of five bytes", "length FF", "length of 2 to the 63", "four gigabytes", "long length missing",
        "long length cut", "a tag of ones without end", "a tag of zeros without end", "a tag that begins with zero",
        "end of contents", "padding", "twice", "twice, once inside", "longer than what holds it",
    ],
)  # fmt: skip
def test_what_is_not_ber_is_refused_where_it_breaks(hex_: str, offset: int) -> None:
    with pytest.raises(TlvError) as caught:
        parse(bytes.fromhex(hex_))
    assert caught.value.offset == offset


def nested(depth: int) -> bytes:
    """A value in so many templates, each of another tag."""
    data = b""
    for level in range(depth):
        tag = bytes.fromhex(f"FF{0x81 + level // 0x7F:02X}{level % 0x7F + 1:02X}")
        size = len(data)
        data = tag + (bytes((size,)) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + data
    return data


def test_eight_deep_is_read_and_nine_deep_is_not() -> None:
    assert parse(nested(tlv.DEPTH_MAX - 1) + b"\x9c\x01\x00")
    with pytest.raises(TlvError):
        parse(nested(tlv.DEPTH_MAX + 1))


@pytest.mark.parametrize("depth", [200, 1500])
def test_nesting_without_end_costs_nothing(depth: int) -> None:
    with pytest.raises(TlvError):
        parse(nested(depth))


def test_more_than_a_frame_can_carry_is_not_looked_at() -> None:
    with pytest.raises(TlvError):
        parse(bytes(tlv.SIZE_MAX + 1))


@pytest.mark.parametrize(("length", "spelled"), [(127, "7F"), (128, "8180"), (255, "81FF"), (256, "820100")])
def test_a_length_is_as_short_as_it_can_be(length: int, spelled: str) -> None:
    data = pack([Tlv("9F10", bytes(length))])
    assert data[2 : 2 + len(spelled) // 2].hex().upper() == spelled


def test_a_length_longer_than_it_need_be_is_read() -> None:
    assert parse(bytes.fromhex("9C8400000001" + "31")) == (Tlv("9C", b"1"),)


def test_an_issuers_scripts_repeat_their_tags() -> None:
    script = "71" + "0F" + "9F180400000001" + "86021122" + "86023344"
    objects = parse(bytes.fromhex(script + script.replace("71", "72", 1)))
    assert [one.tag for one in flat(objects)] == ["9F18", "86", "86"] * 2
    assert set(all_tags(objects)) == MAY_REPEAT


@pytest.mark.parametrize("tag", ["", "9", "9F", "9F80", "82ZZ", "9F2601", "00", "5a", "9FFFFFFFFF01"])
def test_what_is_no_tag_is_our_mistake(tag: str) -> None:
    with pytest.raises(LocalProtocolError):
        pack([Tlv(tag, b"x")])


def test_the_card_numbers_of_a_chip_are_found_for_comparing() -> None:
    numbers = "5A0A" + "9414100000000000017F" + "5713" + "9414100000000000017D29121011234500000F"
    assert card_numbers(parse(bytes.fromhex(numbers))) == ["9414100000000000017"] * 2
    assert card_numbers(parse(CHIP)) == []


@given(st.sampled_from(["56", "57", "5F20", "99", "9F1F", "9F20", "9F6B", "9F7C", "DF01", "C5"]), st.binary(min_size=1))
def test_secrets_and_strangers_are_never_shown(tag: str, value: bytes) -> None:
    one = Tlv(tag, value)
    assert shown(one) == "[secret]"
    assert value.hex() not in repr(one) or len(value) < 4


def test_a_card_number_is_shown_masked() -> None:
    assert shown(Tlv("5A", bytes.fromhex("9414100000000017"))) == "941410******0017"
    assert shown(Tlv("5A", bytes.fromhex("94141000000000017F"))) == "941410*******0017"
