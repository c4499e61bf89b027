"""What elements are made of: typed for programs, named and masked for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import additional_amounts
from protocols.additional_amounts import AdditionalAmount
from protocols.card_acceptor import CardAcceptor
from protocols.elements import ELEMENTS, element_named
from protocols.errors import FormatError, LocalProtocolError
from protocols.parts import Part, parts_of
from protocols.tlv import Tlv, by_tag, pack
from tests.builders import message

CARD = "9414100000000017"
TRACK_2 = f"{CARD}D29121011234500000000F"
CHIP = (
    Tlv("9F26", bytes.fromhex("A1B2C3D4E5F60718")),
    Tlv("5A", bytes.fromhex(CARD)),
    Tlv("57", bytes.fromhex(TRACK_2)),
    Tlv("50", b"GULF\x1b[2J"),
    Tlv("E1", parts=(Tlv("5F20", b"SALEM/AISHA"), Tlv("9F27", b"\x80"))),
)

digits = st.text("0123456789", min_size=2, max_size=2)
amounts = st.builds(
    AdditionalAmount,
    digits,
    digits,
    st.text("0123456789", min_size=3, max_size=3),
    st.integers(1 - 10**12, 10**12 - 1),
)


def flat(parts: tuple[Part, ...]) -> list[str]:
    return [value for part in parts for value in (part.value, *flat(part.parts))]


# --- for programs


def test_a_message_gives_its_parts() -> None:
    request = message(private_data="4202059203123", icc_data=pack(CHIP).hex())
    assert request.card_acceptor == CardAcceptor("UAE Mall Trading", "Dubai", "AE")
    assert request.subelements == {"42": "05", "92": "123"}
    assert request.additional_amounts == (AdditionalAmount("00", "40", "784", -1000),)
    assert request.chip_data == CHIP
    assert by_tag(request.chip_data)["9F27"] == b"\x80"
    assert request.original is None


def test_a_message_without_them_has_none() -> None:
    request = message(private_data=None, card_acceptor_name=None, additional_amounts=None)
    assert (request.card_acceptor, request.subelements, request.additional_amounts, request.chip_data) == (
        None,
        {},
        (),
        (),
    )


@given(st.lists(amounts, max_size=6))
def test_amounts_are_packed_and_parsed(several: list[AdditionalAmount]) -> None:
    assert additional_amounts.parse(additional_amounts.pack(several)) == tuple(several)


@pytest.mark.parametrize(
    "text",
    ["0", "0002784C00000000100", "0002784X000000001000", "0002784C00000000100²", "0002784C000000001000" * 7],
    ids=["one digit", "too short", "no sign", "no digit", "seven"],
)
def test_what_is_no_run_of_amounts_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        additional_amounts.parse(text)
    assert caught.value.slug == "format.de54"


@pytest.mark.parametrize("wrong", [("0", "02", "414", 1), ("00", "02", "KWD", 1), ("00", "02", "414", 10**12)])
def test_an_amount_that_cannot_be_packed_is_our_mistake(wrong: tuple[str, str, str, int]) -> None:
    with pytest.raises(LocalProtocolError):
        _ = AdditionalAmount(*wrong).text


@pytest.mark.parametrize("wrong", [("x" * 26, "", ""), ("", "x" * 14, ""), ("", "", "ARE")])
def test_a_card_acceptor_that_does_not_fit_is_our_mistake(wrong: tuple[str, str, str]) -> None:
    with pytest.raises(LocalProtocolError):
        CardAcceptor(*wrong)


def test_forty_characters_make_a_card_acceptor_and_fewer_do_not() -> None:
    with pytest.raises(FormatError):
        CardAcceptor.parse("UAE Mall Trading")


# --- for people


def test_chip_data_is_shown_tag_by_tag_without_its_secrets() -> None:
    shown = parts_of(55, pack(CHIP).hex().upper())
    assert [(part.key, part.value) for part in shown] == [
        ("9F26", "A1B2C3D4E5F60718"),
        ("5A", "941410******0017"),
        ("57", "[secret]"),
        ("50", "GULF\\x1b[2J"),
        ("E1", ""),
    ]
    assert [(part.key, part.value) for part in shown[-1].parts] == [("5F20", "[secret]"), ("9F27", "80")]


def test_original_data_elements_are_shown_by_name() -> None:
    shown = parts_of(90, "010000012311232051440000078400100000000000")
    assert [part.value for part in shown][:3] == ["0100 authorization request", "000123", "1123205144"]


def test_additional_amounts_are_shown_one_by_one() -> None:
    (only,) = parts_of(54, "0040784D000000001000")
    assert only == Part("40", "cash back", "-1000 in 784, account 00")


def test_a_card_acceptor_is_shown_in_parts_with_nothing_that_steers_a_terminal() -> None:
    name, city, country = parts_of(43, f"{'Gulf' + chr(27) + '[2J':25}{'Dubai':13}AE")
    assert (name.value, city.value, country.value) == ("Gulf\\x1b[2J", "Dubai", "AE")


@given(st.sampled_from(sorted(ELEMENTS)), st.text(max_size=60) | st.binary(max_size=30).map(bytes.hex))
def test_any_value_of_any_element_is_taken_apart_or_left_whole(number: int, value: str) -> None:
    assert all(text.isprintable() for text in flat(parts_of(number, value)))


@given(st.text("0123456789", min_size=5, max_size=12), st.sampled_from(["92", "99", "00"]))
def test_a_code_in_private_data_is_never_shown(code: str, number: str) -> None:
    (part,) = parts_of(element_named("private_data").number, f"{number}{len(code):02d}{code}")
    assert part.value == "[secret]"
