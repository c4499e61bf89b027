"""Acquirers with hosts of their own: a request goes there, comes back into the network, and answers go the same way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switch.configuration import hosts_of
from tests.switch.desk import NETWORK, Desk

NBD = NETWORK.participants["nbd"].model_copy(update={"host": "nbd_host"})
HOSTED = replace(NETWORK, participants={**NETWORK.participants, "nbd": NBD, **hosts_of({"nbd": NBD})})
AT_THE_MALL = {
    "pan": "9414200000000015",
    "merchant_type": "5732",
    "terminal_id": "UAEM0001",
    "card_acceptor_id": "UAEMALL00000001",
    "rrn": None,
}


@pytest.fixture
def desk() -> Desk:
    return Desk(network=HOSTED)


def host_of(desk: Desk) -> int:
    """The acquirer's host, dialled and signed on."""
    from switch.ends import Side

    host = HOSTED.participants["nbd.host"]
    number = desk._number(host)
    desk.core.opened(number, Side.ISSUER, host, desk.now)
    desk.settle()
    desk.frames(number, desk.hears(number).answered({39: "00"}))
    return number


def shop_of(desk: Desk) -> int:
    return desk.gateway("comtrust")


def test_the_host_hears_it_and_its_answer_goes_back(desk: Desk) -> None:
    host, shop = host_of(desk), shop_of(desk)
    desk.asks(shop, **AT_THE_MALL)
    asked = desk.hears(host)
    assert (asked.mti, asked.get(32), asked.get(33)) == ("0100", "784001", "784900")
    desk.answers(host, asked, "05", reason="do.not.honour")
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("05", "do.not.honour")


def test_a_host_that_dies_with_a_request_is_owed_its_reversal(desk: Desk) -> None:
    host, shop = host_of(desk), shop_of(desk)
    desk.asks(shop, **AT_THE_MALL)
    asked = desk.hears(host)
    desk.hangs_up(host)
    assert desk.hears(shop).response_code == "91"
    undo = desk.hears(host_of(desk))
    assert undo.original is not None
    assert (undo.mti, undo.original.stan) == ("0420", asked.stan)


def test_without_its_host_an_acquirers_merchants_sell_nothing_and_nothing_is_owed(desk: Desk) -> None:
    shop = shop_of(desk)
    desk.asks(shop, **AT_THE_MALL)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("91", "issuer.down")
    assert not len(desk.core.issuers["nbd.host"].saf)


def test_deadlines_shrink_inwards(desk: Desk) -> None:
    _host, shop = host_of(desk), shop_of(desk)
    desk.asks(shop, **AT_THE_MALL)
    desk.passes(11.9)
    assert desk.silent(shop)
    desk.passes(0.2)
    assert desk.hears(shop).response_code == "91"
    assert desk.core.issuers["nbd"].patience_s < desk.core.issuers["nbd.host"].patience_s < 15


def test_what_the_acquirer_itself_sends_goes_to_the_issuer(desk: Desk) -> None:
    issuer, bank = desk.issuer("nbk"), desk.gateway("nbd")
    desk.asks(bank, **AT_THE_MALL)
    assert desk.hears(issuer).mti == "0100"


def test_a_completion_and_a_reversal_go_the_way_of_what_they_are_about(desk: Desk) -> None:
    host, shop = host_of(desk), shop_of(desk)
    asked = desk.asks(shop, **AT_THE_MALL)
    first = desk.hears(host)
    desk.answers(host, first)
    desk.hears(shop)
    original = f"0100{asked['stan']}{asked['transmitted_at']}{'0' * 22}"
    desk.asks(shop, "0220", **AT_THE_MALL, stan="000009", original=original)
    assert desk.hears(shop).response_code == "00"
    told = desk.hears(host)
    assert told.original is not None
    assert (told.mti, told.original.stan) == ("0220", first.stan)
    desk.answers(host, told)
    desk.reverses(shop, {**asked, "rrn": "632211000001"}, original=original)
    undo = desk.hears(host)
    assert undo.original is not None
    assert (undo.mti, undo.original.stan) == ("0420", first.stan)
