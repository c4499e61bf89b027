"""Layouts: the quick way of reading agrees with the slow one, and the parts refuse what they must."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.hsm import LAYOUTS
from protocols.hsm.fields import Choice, Digits, Hex, Key, Part, PinBlock, Run, Text, UnreadableError, Until, When
from protocols.hsm.layout import Layout
from protocols.hsm.pin_fields import (
    ExcludedPins,
    KeySerialNumber,
    PinUnderLmk,
    account,
    decimalisation_table,
    offset,
    validation_data,
)
from tests.hsm_sim.known import GOOD

QUICK = sorted(code for code, layout in LAYOUTS.items() if layout._quick_request)
TAILS = ("", "%00", "~%01", "\x19t", "0", "A", "0123456789ABCDEF", "0123456789abcdef")


def _slowly(layout: Layout, text: str) -> tuple[int, dict[str, str]] | str:
    found: dict[str, str] = {}
    try:
        return layout.read_request_slowly(text, 0, found), found
    except UnreadableError as refused:
        return refused.code


def _quickly(layout: Layout, text: str) -> tuple[int, dict[str, str]] | str:
    found: dict[str, str] = {}
    try:
        return layout.read_request(text, 0, found), found
    except UnreadableError as refused:
        return refused.code


def test_the_commands_of_the_hot_path_are_read_quickly() -> None:
    assert {"CA", "CC", "DC", "EC", "CW", "CY"} <= set(QUICK)


@given(st.sampled_from(QUICK), st.sampled_from(TAILS), st.data())
def test_the_quick_way_reads_as_the_slow_one(code: str, tail: str, data: st.DataObject) -> None:
    layout = LAYOUTS[code]
    text = layout.write_request(GOOD[code])
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters(max_codepoint=255)) + text[at + 1 :]
    cut = text[:at] + text[at + data.draw(st.integers(1, 20)) :]
    for variant in (text, changed, cut, text.lower()):
        assert _quickly(layout, variant + tail) == _slowly(layout, variant + tail)


@given(st.sampled_from(QUICK), st.text("0123456789ABCDEFUXTYZ;%", max_size=160))
@example("CC", "0" * 16 + "0" * 16 + "12" + "0" * 32 + "4848" + "1" * 12)
def test_the_quick_way_reads_noise_as_the_slow_one(code: str, noise: str) -> None:
    assert _quickly(LAYOUTS[code], noise) == _slowly(LAYOUTS[code], noise)


@pytest.mark.parametrize(
    ("part", "text", "code"),
    [
        (Digits("d", 3), "12", "15"),
        (Digits("d", 3), "12²", "15"),
        (Digits("d", 3), "1 2", "15"),
        (Digits("d", 3, "22"), "1_2", "22"),
        (Hex("h", 4), "12G4", "15"),
        (Hex("h", 4), "1 34", "15"),
        (Text("t", 2), "a\x19", "15"),
        (Choice("c", ("0", "1")), "2", "15"),
        (Key("k"), "", "15"),
        (Key("k"), "Q" + "0" * 32, "26"),
        (Key("k"), "U" + "0" * 31, "15"),
        (Key("k"), "0" * 15, "15"),
        (Key("k"), "S0010", "15"),
        (Key("k"), "S0+16" + "0" * 40, "15"),
        (Key("k"), "S0072" + "0" * 10, "15"),
        (Until("u", 4), "12345;", "15"),
        (Until("u", 4), "1234", "15"),
        (Until("u", 4), ";", "15"),
        (Run("r", 2, 5, 13), "123456", "15"),
        (Run("r", 2, 5, 13, filled=True), "1234567", "15"),
        (Run("r", 2, 5, 13), "1234F67", "15"),
        (PinBlock("p", 2), "0" * 15, "15"),
    ],
)
def test_a_part_refuses_what_is_not_its_kind_without_repeating_it(part: Part, text: str, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        part.read(text, 0, {}, {})
    assert caught.value.code == code
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "length"),
    [
        ("0" * 16, 16),
        ("Z" + "0" * 16, 17),
        ("U" + "0" * 32, 33),
        ("X" + "0" * 32, 33),
        ("T" + "0" * 48, 49),
        ("Y" + "0" * 48, 49),
        ("S0007272TN00S0001DAB3EC2129A356229483B6A92D358D7F87818C4730C886EF76471AAC", 73),
    ],
)
def test_a_key_says_its_own_length(key: str, length: int) -> None:
    found: dict[str, str] = {}
    assert Key("k").read(key + "FF", 0, found, {}) == length
    assert found == {"k": key}


def test_lower_case_is_taken_and_told_in_upper_case() -> None:
    found: dict[str, str] = {}
    Key("k").read("Uabcdef0123456789ABCDEF0123456789", 0, found, {})
    Hex("h", 4).read("abCD", 0, found, {})
    assert found == {"k": "UABCDEF0123456789ABCDEF0123456789", "h": "ABCD"}


@pytest.mark.parametrize(("digits", "length"), [(16, 16), (32, 32), (33, 16)])
def test_a_pin_block_is_as_long_as_the_rest_leaves_room_for(digits: int, length: int) -> None:
    assert PinBlock("p", followed_by=2).read("0" * (digits + 2) + "%00", 0, {}, {}) == length


def test_every_layout_knows_the_names_of_its_fields() -> None:
    for code, layout in LAYOUTS.items():
        assert layout.command == code
        assert set(GOOD[code]) <= set(layout.request_names)
        always = [name for part in layout.request if not isinstance(part, When) for name in part.names()]
        assert len(set(always)) == len(always), code


# Fields of PIN commands that do not say how long they are


@pytest.mark.parametrize(
    ("part", "text", "code"),
    [
        (account(), "11111111111", "22"),
        (account(), "11111111111A", "22"),
        (account(), "1234567890123456", ""),
        (account(), "12345678901234567890;", ""),
        (validation_data(), "41111111111", "15"),
        (validation_data(), "411111111111", "15"),
        (validation_data(), "NN1111111111", "15"),
        (validation_data(), "P123456789012345", "15"),
        (decimalisation_table(), "012345678901234", "25"),
        (decimalisation_table(), "L" + "0" * 31, "25"),
        (offset(), "123FFFFFFFFF", "15"),
        (offset(), "1234FFFF5FFF", "15"),
        (PinUnderLmk(), "1234", "14"),
        (PinUnderLmk(), "M" + "0" * 31, "14"),
        (ExcludedPins(), "*0204123", "15"),
        (ExcludedPins(), "*0103123", "15"),
        (ExcludedPins(), "*01", "15"),
    ],
)
def test_a_part_of_a_pin_command_refuses_what_is_not_its_kind(part: Part, text: str, code: str) -> None:
    if not code:  # the first twelve digits are an account; what follows is somebody else's
        assert part.read(text, 0, {}, {}) == 12
        return
    with pytest.raises(UnreadableError) as caught:
        part.read(text, 0, {}, {})
    assert caught.value.code == code


@pytest.mark.parametrize(("descriptor", "length"), [("A05", 20), ("605", 16), ("906", 20), ("804", 17)])
def test_a_ksn_is_as_long_as_its_descriptor_says(descriptor: str, length: int) -> None:
    asked = {"descriptor": descriptor, "bdk": "U" + "0" * 32}
    assert KeySerialNumber("ksn", "descriptor", "bdk").read("F" * 30, 0, {}, asked) == length
    of_aes = {"descriptor": descriptor, "bdk": "S10096B0AX00S0002"}
    assert KeySerialNumber("ksn", "descriptor", "bdk").read("F" * 30, 0, {}, of_aes) == 24


@given(
    st.sampled_from(["EA", "DA", "BK", "EC", "BE", "CC", "CU", "DU", "FW", "JE"]),
    st.sampled_from([16, 32]),
    st.sampled_from(["111111111111", "4111111111111;", "4111111111111111111;"]),
    st.sampled_from(["0" * 16, "F" * 16, "L" + "A" * 32]),
    st.sampled_from(["41111111111N", "N11111111111", "P" + "F" * 16]),
    st.sampled_from(["", "%00", "~%00", "\x19t"]),
)
def test_long_and_short_blocks_accounts_and_tables_are_told_apart(
    code: str, digits: int, number: str, table: str, data: str, tail: str
) -> None:
    layout = LAYOUTS[code]
    values = dict(GOOD[code]) | {"account": number, "decimalisation_table": table, "validation_data": data}
    values |= {"pin_block": "48" * (digits // 2), "new_pin_block": "48" * (digits // 2), "pin_under_lmk": "1" * 13}
    values = {name: value for name, value in values.items() if name in layout.request_names}
    text = layout.write_request(values)
    found: dict[str, str] = {}
    assert layout.read_request(text + tail, 0, found) == len(text)
    assert {name: found[name] for name in values} == values
