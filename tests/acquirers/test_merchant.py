"""Merchants as a gateway reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from acquirers.merchant import load_merchants
from acquirers.points_of_sale import POINTS_OF_SALE
from protocols.channel import Channel
from protocols.money import currency
from protocols.network import NetworkError
from protocols.participant import Role, load_participants

MERCHANTS = load_merchants()


def test_the_merchants_are_those_of_the_article() -> None:
    assert {merchant.id: (merchant.merchant_type, merchant.acquirer) for merchant in MERCHANTS.values()} == {
        "14M000000000001": ("5311", "ebi"),
        "UAEMALL00000001": ("5732", "nbd"),
        "SOUKWATANI00001": ("5999", "nbk"),
        "GULFMART0000001": ("5411", "nbd"),
        "NBKATM000000001": ("6011", "nbk"),
        "BROKERAGE000001": ("6211", "nbk"),
    }


@pytest.mark.parametrize("merchant", MERCHANTS.values(), ids=lambda merchant: merchant.name)
def test_a_merchant_speaks_of_what_the_network_knows(merchant) -> None:
    assert load_participants()[merchant.acquirer].has(Role.ACQUIRER)
    assert all(currency(code) for code in merchant.currencies)
    assert set(merchant.channels) <= {str(channel) for channel in Channel}
    assert all(sub.currency for sub in merchant.sub_merchant)


@pytest.mark.parametrize("merchant", MERCHANTS.values(), ids=lambda merchant: merchant.name)
def test_the_name_on_the_statement_has_forty_columns(merchant) -> None:
    line = merchant.card_acceptor_name
    assert len(line) == 40
    assert (line[:25].rstrip(), line[25:38].rstrip(), line[38:]) == (merchant.name, merchant.city, merchant.country)


def test_no_two_terminals_share_a_number() -> None:
    terminals = [terminal for merchant in MERCHANTS.values() for terminal in merchant.terminals]
    assert len(terminals) == len(set(terminals))


def test_a_terminal_tells_the_time_of_its_town() -> None:
    new_year = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)
    assert f"{MERCHANTS['UAEMALL00000001'].local(new_year):%m%d%H%M}" == "01010030"
    assert f"{MERCHANTS['SOUKWATANI00001'].local(new_year):%m%d%H%M}" == "12312330"


def test_west_of_greenwich_the_clock_is_behind_with_its_minutes() -> None:
    merchant = MERCHANTS["14M000000000001"].model_copy(update={"utc_offset": "-03:30"})
    assert f"{merchant.local(datetime(2026, 1, 1, 12, 0, tzinfo=UTC)):%H%M}" == "0830"


def test_a_merchant_listed_twice_is_a_problem_of_the_file(tmp_path: Path) -> None:
    entry = """[[merchant]]
id = "TWICE0000000001"
name = "Twice"
city = "Dubai"
country = "AE"
merchant_type = "5311"
acquirer = "nbd"
currencies = ["AED"]
channels = ["pos"]
terminals = ["TWICE001"]
"""
    (tmp_path / "merchants.toml").write_text(entry * 2)
    with pytest.raises(NetworkError, match="twice"):
        load_merchants(tmp_path)


def test_every_problem_of_a_merchant_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "merchants.toml").write_text('[[merchant]]\nid = "short"\nname = "n"\ncountry = "AE"\nsurprise = 1\n')
    with pytest.raises(NetworkError) as caught:
        load_merchants(tmp_path)
    told = " ".join(caught.value.problems)
    assert "merchant.0.id" in told and "merchant.0.city" in told and "merchant.0.surprise" in told


def test_there_is_a_point_of_sale_for_each_way_of_the_tour() -> None:
    assert set(POINTS_OF_SALE) == {"ecommerce", "card_present", "telephone", "keyed", "atm", "recurring"}
