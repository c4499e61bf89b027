"""Which channel a message came through: the vectors, and what holds for all messages."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.channel import CARD_READ, Channel, channel_of

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors" / "channel.toml").read_text())["vectors"]

maybe = st.none() | st.text("0123456789 ", max_size=3)
entries = maybe | st.sampled_from(["010", "012", "051", "812", "102", "901", "000"])
conditions = maybe | st.sampled_from(["00", "01", "02", "05", "08", "59"])
indicators = maybe | st.sampled_from(["01", "02", "05", "07"])
merchant_types = maybe | st.sampled_from(["5732", "6011", "6051"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    claims = [
        vector.get(name) for name in ("processing_code", "merchant_type", "pos_entry_mode", "pos_condition_code", "eci")
    ]
    assert channel_of(*claims, card_was_read=vector.get("card_was_read", False)) == vector["expected"]


def test_every_channel_has_vectors():
    assert {vector["expected"] for vector in VECTORS} == set(Channel)


@given(merchant_types, entries, conditions, indicators)
def test_cash_is_an_atm_whatever_else_is_claimed(merchant_type, entry, condition, eci):
    assert channel_of("010000", merchant_type, entry, condition, eci) is Channel.ATM
    assert channel_of("000000", "6011", entry, condition, eci) is Channel.ATM


@given(st.sampled_from(sorted(CARD_READ)), conditions, indicators)
def test_a_card_that_was_read_was_there(entry, condition, eci):
    assert channel_of("000000", "5732", entry + "2", condition, eci) is Channel.POS


@given(merchant_types, entries, conditions, indicators)
def test_ecommerce_is_always_stated(merchant_type, entry, condition, eci):
    if channel_of("000000", merchant_type, entry, condition, eci) is Channel.ECOMMERCE:
        stored_and_indicated = (entry or "")[:2] == "10" and bool(eci)
        assert condition == "59" or (entry or "")[:2] == "81" or stored_and_indicated


def test_typing_is_refused_as_a_shop_is():
    assert Channel.KEYED.refusal_slug == Channel.POS.refusal_slug == "channel.pos"
    assert Channel.ATM.refusal_slug == "channel.atm"
