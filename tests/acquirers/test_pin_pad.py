"""The PIN pad. Vectors: see tests/vectors/SOURCES.md, "PIN pad"."""

from __future__ import annotations

import psec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquirers.pin_pad import PinError, PinPad, clear_block
from protocols.pan import Pan

KEY = "A4702516B3808068AD2943B50BD60107"
CARD = Pan("4111111111111111")

pins = st.text("0123456789", min_size=4, max_size=12)
cards = st.text("0123456789", min_size=13, max_size=19).map(Pan)


def test_a_known_pin_on_a_known_card_makes_the_known_block() -> None:
    assert PinPad(KEY).pin_block("1234", CARD) == "C6CF62084B7FF1FD"


def test_the_clear_block_is_that_of_the_standard() -> None:
    # ISO 9564-1 format 0: 0 | length | PIN | F…, exclusive-or 0000 | twelve digits of the account.
    assert clear_block("1234", CARD).hex().upper() == "041225EEEEEEEEEE"


@given(pins, cards)
def test_the_block_is_the_one_another_program_makes(pin: str, card: Pan) -> None:
    clear = psec.pinblock.encode_pinblock_iso_0(pin, card.clear())
    theirs = psec.des.encrypt_tdes_ecb(bytes.fromhex(KEY), clear)
    assert PinPad(KEY).pin_block(pin, card) == theirs.hex().upper()


def test_a_key_of_double_length_is_a_triple_one_with_its_first_half_again() -> None:
    assert PinPad(KEY + KEY[:16]).pin_block("1234", CARD) == PinPad(KEY).pin_block("1234", CARD)


@pytest.mark.parametrize("typed", ["", "123", "1234567890123", "12a4", "１２３４", "²345", "12 4"])
def test_what_is_no_pin_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(PinError) as caught:
        PinPad(KEY).pin_block(typed, CARD)
    assert not typed or typed not in str(caught.value)


@pytest.mark.parametrize("key", ["", "00" * 8, "XY" * 16, KEY + " " * 32, f"{KEY[:30]} {KEY[30:]}"])
def test_what_is_no_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="32 or 48") as caught:
        PinPad(key)
    assert not key or key not in str(caught.value)


def test_a_pin_pad_shows_no_key() -> None:
    pad = PinPad(KEY)
    assert KEY[:6] not in f"{pad!r} {pad}"
