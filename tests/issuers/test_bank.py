"""A bank's file: what comes with the program is in order, and what is wrong is told all at once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from issuers import bank as bank_module
from issuers.bank import bank_of, load_bank, load_banks
from issuers.book import CardState
from issuers.cards import card_list
from protocols.network import NetworkError
from protocols.pan import Pan
from protocols.participant import Role, load_participants

BANKS = {bank.id: bank for bank in load_banks()}

MINIMAL = """
id = "toy"
name = "Toy Bank"
currency = "KWD"
keys.pvk = "U6BC12F1E18A69972B123ED97057D78AC"
products.credit = { title = "Credit", prefix = "9999" }
accounts = [{ id = "a", holder = "Amal" }]
cards = [{ pan = "9999000000000012", product = "credit", account = "a", note = "a card" }]
"""


def toy(**changes: Any) -> dict[str, Any]:
    return {**tomllib.loads(MINIMAL), **changes}


def problems_of(content: dict[str, Any]) -> list[str]:
    with pytest.raises(NetworkError) as caught:
        bank_of(content, "toy.toml")
    return caught.value.problems


def test_every_issuer_of_the_network_has_a_bank() -> None:
    issuers = {one.id for one in load_participants().values() if one.has(Role.ISSUER)}
    assert issuers == set(BANKS)


@pytest.mark.parametrize("name", ["nbk", "nbd", "ebi"])
def test_currency_is_the_agreements(name: str) -> None:
    assert BANKS[name].currency == load_participants()[name].currency


def test_the_test_cards_are_those_of_the_network() -> None:
    cards = card_list(BANKS.values())
    assert len({card["pan"] for card in cards}) == len(cards)
    assert all(Pan(str(card["pan"])).passes_luhn for card in cards)
    assert cards[0].keys() == {"pan", "product", "expiry", "pin", "state", "limit", "note", "issuer"}


def test_nbk_has_a_card_for_every_story() -> None:
    cards = {card.pan: card for card in BANKS["nbk"].cards}
    internet = [card for card in cards.values() if card.product == "internet-shopping"]
    assert [card.limit for card in internet[:3]] == ["100.000", "200.000", "100.000"]
    assert {card.state for card in internet} == set(CardState) - {CardState.FROZEN}  # freezing is for the holder
    assert cards["9414100000000033"].overlimits == 1
    assert all(card.pan.startswith("941410") for card in internet)
    debit = cards["9414300000000013"]
    assert next(one.opening for one in BANKS["nbk"].accounts if one.id == debit.account) == "1000.000"


def test_the_toy_bank_is_in_order() -> None:
    assert bank_of(toy()).limits["credit"].overlimit_allowance == 0


def test_all_problems_are_told_at_once() -> None:
    content = toy(colour="green", currency="dinar")
    content["cards"][0]["pan"] = "9999000000000013"
    content["cards"][0]["expiry"] = "2913"
    assert problems_of(content) == [
        "toy.toml: currency: String should match pattern '^[A-Z]{3}$'",
        "toy.toml: cards.0.pan: Value error, 999900******0013: the check digit is wrong",
        "toy.toml: cards.0.expiry: String should match pattern '^[0-9]{2}(0[1-9]|1[0-2])$'",
        "toy.toml: colour: Extra inputs are not permitted",
    ]


def test_parts_that_do_not_fit_are_told_at_once() -> None:
    content = toy(accounts=[{"id": "a", "holder": "Amal", "opening": "1.0001"}, {"id": "a", "holder": "Amal"}], keys={})
    content["cards"] += [{"pan": "8888000000000018", "product": "credit", "account": "b", "note": ""}]
    content["cards"] += [{"pan": "9999000000000012", "product": "debit", "account": "a", "note": ""}]
    assert problems_of(content) == [
        "toy.toml: keys.pvk: cards with a PIN need it",
        "toy.toml: accounts.0.opening: not an amount of KWD",
        "toy.toml: accounts: a is there 2 times",
        "toy.toml: cards: 999900******0012 is there 2 times",
        "toy.toml: cards.1.pan: cards of credit begin with 9999",
        "toy.toml: cards.1.account: no account is called 'b'",
        "toy.toml: cards.2.product: no product is called 'debit'",
    ]


def test_a_bank_goes_by_accounts_or_by_amounts() -> None:
    rows = [{"digits": "3000", "do": "never"}]
    assert problems_of(toy(books="amounts")) == [
        "toy.toml: books: a bank that goes by amounts has no accounts and no cards"
    ]
    assert problems_of(toy(amounts=rows)) == ['toy.toml: amounts: only a bank with books = "amounts" goes by them']


def test_a_card_number_is_not_repeated_in_a_complaint() -> None:
    content = toy()
    content["cards"][0]["pan"] = "99990000000000121212"
    assert "9999" not in "".join(problems_of(content))


def test_neither_number_nor_pin_is_in_a_repr() -> None:
    shown = repr(BANKS)
    assert "nbk-1001" in shown
    assert not any(secret in shown for secret in ("9414100000000017", "4111111111111111", "1234"))


def test_an_unknown_bank_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="there are: ebi, nbd, nbk, sandbox"):
        load_bank(None, "barings")
    with pytest.raises(NetworkError, match="there are: none"):
        load_bank(tmp_path, "nbk")


def test_the_banks_day_is_its_own() -> None:
    from datetime import UTC, datetime

    moment = BANKS["nbk"].moment(datetime(2026, 12, 31, 21, 30, tzinfo=UTC))
    assert (moment.day, moment.yymm, moment.cycle("month")) == ("2027-01-01", "2701", "2027-01")
    assert bank_module.bank_of(toy(utc_offset="-03:30")).zone.utcoffset(None).total_seconds() == -12_600
