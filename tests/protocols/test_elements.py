"""The data dictionary agrees with pyiso8583, and shows nothing it should not."""

import iso8583.specs
import pytest

from protocols import elements
from protocols.elements import ELEMENTS, Kind, Sensitivity, element_named, printable, shown
from protocols.errors import LocalProtocolError

PAN = "9414100000000017"
NUMBERS = sorted(ELEMENTS)


def test_there_are_128_elements():
    assert list(range(1, 129)) == NUMBERS
    assert all(number == element.number for number, element in ELEMENTS.items())


def test_every_element_has_a_name_of_its_own_and_a_constant():
    assert len({element.name for element in ELEMENTS.values()}) == 128
    for element in ELEMENTS.values():
        assert getattr(elements, element.name.upper()) == element.number


@pytest.mark.parametrize("number", NUMBERS)
def test_lengths_are_those_of_pyiso8583(number):
    spec = iso8583.specs.default[str(number)]
    element = ELEMENTS[number]
    assert (element.length, element.prefix) == (spec["max_len"], spec["len_type"])
    assert (element.kind is Kind.B) == (spec["data_enc"] == "b")


@pytest.mark.parametrize("number", [number for number in NUMBERS if ELEMENTS[number].kind is Kind.B])
def test_binary_elements_are_hex_in_the_text_dialect(number):
    if number != elements.SECONDARY_BITMAP:
        assert iso8583.specs.default_ascii[str(number)]["max_len"] == 2 * ELEMENTS[number].length


def test_an_element_is_found_by_its_name():
    assert element_named("pan").number == elements.PAN == 2
    assert element_named("mac_2").number == 128


def test_a_name_that_does_not_exist_is_our_mistake():
    with pytest.raises(LocalProtocolError):
        element_named("card_no")


def test_the_secret_elements():
    secret = {number for number, element in ELEMENTS.items() if element.sensitivity is Sensitivity.SECRET}
    assert secret >= {35, 36, 45, 46, 47, 52, 55, *range(56, 64), *range(104, 128)}
    assert secret.isdisjoint({3, 4, 7, 11, 37, 38, 39, 41, 42, 44, 49, 70, 90})


@pytest.mark.parametrize("number", [35, 36, 45, 46, 47, 52, 55, 56, 63, 104, 127])
def test_a_secret_shows_nothing(number):
    assert shown(number, PAN) == "[secret]"


@pytest.mark.parametrize("number", [-1, 0, 129, 192])
def test_an_unknown_element_shows_nothing(number):
    assert shown(number, PAN) == "[secret]"


@pytest.mark.parametrize("number", [2, 34, 102, 103])
def test_card_data_is_shown_masked(number):
    assert shown(number, PAN) == "941410******0017"


def test_open_elements_are_shown():
    assert shown(elements.AMOUNT, "000000012000") == "000000012000"


def test_de48_is_shown_without_the_card_verification_code():
    assert shown(48, "4202059203123") == "42=05 92=[secret]"
    assert shown(48, "9203123x") == "[secret]"


def test_nothing_shown_can_steer_a_terminal():
    text = shown(43, "Shop\x1b[2J\r\nforged\x00\u202e")
    assert text == "Shop\\x1b[2J\\r\\nforged\\x00\\u202e"
    assert printable("plain text") == "plain text"
