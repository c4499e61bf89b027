"""Our gateways on the real network: the tills of the tour, from the shop's counter to the bank and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.network import RunningNetwork, Till


@pytest.fixture(scope="module")
def comtrust(network: RunningNetwork) -> Iterator[Till]:
    with network.till("comtrust") as till:
        yield till


@pytest.fixture(scope="module")
def nbd(network: RunningNetwork) -> Iterator[Till]:
    with network.till("nbd") as till:
        yield till


@pytest.fixture(scope="module")
def nbk(network: RunningNetwork) -> Iterator[Till]:
    with network.till("nbk") as till:
        yield till


class Wallet:
    """The banks' test cards, by what they are for."""

    def __init__(self, cards: list[dict[str, Any]]) -> None:
        self._cards = cards

    def card(self, issuer: str, product: str, note: str = "") -> dict[str, str]:
        """The last that fits: the first ones are for others who use this network."""
        fitting = [
            one
            for one in self._cards
            if (one["issuer"], one["product"], one["state"]) == (issuer, product, "active") and note in one["note"]
        ]
        return {"pan": fitting[-1]["pan"], "expiry": fitting[-1]["expiry"]}


@pytest.fixture(scope="module")
def wallet(network: RunningNetwork) -> Wallet:
    return Wallet(network.cards())


def outcome(told: dict[str, Any]) -> tuple[str, str | None, str | None]:
    return told["outcome"], told["response_code"], told.get("reason")


APPROVED = ("approved", "00", None)


def test_the_internet_card_buys_at_the_mall_and_is_billed_in_dinars(comtrust: Till, wallet: Wallet) -> None:
    card = wallet.card("nbk", "internet-shopping")
    told = comtrust.ask("purchase", merchant="UAEMALL00000001", amount="120.00", currency="AED", **card)
    assert outcome(told) == APPROVED
    assert told["amount"] == "120.00 AED"
    assert told["billed"].endswith(" KWD") and len(told["billed"].split(".")[1]) == len("984 KWD")
    assert len(told["rrn"]) == 12 and len(told["approval_code"]) == 6


@pytest.mark.parametrize(
    ("channel", "reason"),
    [("card_present", "channel.pos"), ("telephone", "channel.moto"), ("keyed", "channel.pos")],
)
def test_the_internet_card_buys_nothing_in_a_shop(nbd: Till, wallet: Wallet, channel: str, reason: str) -> None:
    card = wallet.card("nbk", "internet-shopping")
    told = nbd.ask("purchase", merchant="GULFMART0000001", channel=channel, amount="20.00", currency="AED", **card)
    assert outcome(told) == ("declined", "57", reason)


def test_the_internet_card_draws_no_cash(nbk: Till, wallet: Wallet) -> None:
    card = wallet.card("nbk", "internet-shopping")
    told = nbk.ask("cash", channel="atm", amount="20.000", currency="KWD", pin="1234", **card)
    assert outcome(told) == ("declined", "57", "channel.atm")


def test_a_debit_card_draws_cash_with_its_pin_and_with_no_other(nbk: Till, wallet: Wallet) -> None:
    card = wallet.card("nbk", "debit", "PIN may be got wrong")
    cash = {"channel": "atm", "amount": "20.000", "currency": "KWD", **card}
    assert outcome(nbk.ask("cash", pin="1234", **cash)) == APPROVED
    assert outcome(nbk.ask("cash", pin="9999", **cash)) == ("declined", "55", "pin.wrong")
    assert outcome(nbk.ask("cash", pin="1234", **cash)) == APPROVED


def test_a_balance_is_told_at_the_cash_machine(nbk: Till, wallet: Wallet) -> None:
    told = nbk.ask("balance", channel="atm", pin="1234", **wallet.card("nbk", "debit", "only 25.000"))
    assert outcome(told) == APPROVED
    assert told["balances"] == ["25.000 KWD"]


def test_a_card_is_verified_without_a_payment(comtrust: Till, wallet: Wallet) -> None:
    assert outcome(comtrust.ask("verify", **wallet.card("nbk", "classic-credit"))) == APPROVED


def test_a_card_of_another_bank_buys_in_a_shop(nbd: Till, wallet: Wallet) -> None:
    told = nbd.ask("purchase", channel="card_present", amount="50.00", currency="AED", **wallet.card("ebi", "credit"))
    assert outcome(told) == APPROVED and told["billed"] in (None, "50.00 AED")


@pytest.mark.parametrize("message", ["0400", "0420"])
def test_a_payment_is_taken_back_once_however_often_it_is_said(comtrust: Till, wallet: Wallet, message: str) -> None:
    card = wallet.card("nbk", "classic-credit")
    sale = comtrust.ask("purchase", amount="75.00", currency="AED", **card)
    for again in (False, True, True):
        told = comtrust.ask("reverse", of=sale["id"], message=message, repeat=again)
        assert outcome(told) == APPROVED and told["mti"] == {"0400": "0410", "0420": "0430"}[message]


def test_a_repeat_hears_the_first_answer(comtrust: Till, wallet: Wallet) -> None:
    sale = comtrust.ask("purchase", amount="15.00", currency="AED", **wallet.card("nbk", "classic-credit"))
    again = comtrust.ask("repeat", of=sale["id"])
    same = ("mti", "response_code", "approval_code", "rrn", "stan", "amount", "billed")
    assert {name: again[name] for name in same} == {name: sale[name] for name in same}


def test_many_customers_are_served_at_once(comtrust: Till, wallet: Wallet) -> None:
    card = wallet.card("nbd", "credit", "20000.00")
    ids = {comtrust.say("purchase", amount=f"1.{number:02d}", currency="AED", **card) for number in range(50)}
    told = [comtrust.next() for _ in ids]
    assert {one["id"] for one in told} == ids
    assert {outcome(one) for one in told} == {APPROVED}
    assert len({one["rrn"] for one in told}) == len({one["stan"] for one in told}) == 50


@pytest.mark.parametrize("do", ["echo", "sign_on"])
def test_the_switch_answers_for_itself(comtrust: Till, do: str) -> None:
    assert outcome(comtrust.ask(do)) == APPROVED


@pytest.mark.parametrize(("name", "issuer", "product"), [("ebi", "ebi", "credit"), ("lab", "nbk", "classic-credit")])
def test_the_other_gateways_sell_too(
    network: RunningNetwork, wallet: Wallet, name: str, issuer: str, product: str
) -> None:
    with network.till(name) as till:
        told = till.ask(
            "purchase", merchant="14M000000000001", amount="9.00", currency="AED", **wallet.card(issuer, product)
        )
        assert outcome(told) == APPROVED


def test_all_books_agree_about_the_day_at_the_tills(network: RunningNetwork) -> None:
    network.settled()
    audit = network.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
