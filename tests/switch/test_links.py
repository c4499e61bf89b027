"""Who is at the other end of a link, and what is agreed of it: callers, several HSMs, match keys, floods."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocols.hsm import read_request
from protocols.network import NetworkError, load
from switch.ends import Side
from tests.switch.desk import CREDIT_CARD, NETWORK, Desk
from tests.switch.test_promises import cash


def caller(desk: Desk, *identifiable: str) -> int:
    """A connection on a port where issuers dial in."""
    number = desk._number(NETWORK.participants["sandbox"])
    desk.core.opened(number, Side.CALLER, NETWORK.participants["sandbox"], desk.now, identifiable)
    desk.settle()
    return number


# Issuers that dial in


def test_an_issuer_that_dials_in_says_who_it_is_and_is_asked() -> None:
    desk = Desk()
    bank, shop = caller(desk, "nbk", "sandbox"), desk.gateway()
    assert desk.silent(bank)
    desk.says(bank, "0800", network_management_code="001", acquirer_id=NETWORK.participants["nbk"].institution_id)
    assert desk.hears(bank).response_code == "00"
    desk.asks(shop, pan=CREDIT_CARD, currency="414", amount="000000001000")
    request = desk.hears(bank)
    desk.answers(bank, request)
    assert desk.hears(shop).response_code == "00"


@pytest.mark.parametrize("named", ["784999", "784900", None])
def test_a_caller_that_names_nobody_of_the_list_is_not_let_in(named: str | None) -> None:
    """Neither a stranger, nor somebody who issues nothing, nor one that does not say."""
    desk = Desk()
    bank = caller(desk, "nbk", "comtrust")
    desk.says(bank, "0800", network_management_code="001", forwarder_id=named)
    assert desk.hears(bank).reason == "link.not_signed_on"
    desk.says(bank, "0800", network_management_code="301")
    assert desk.hears(bank).reason == "link.not_signed_on"
    desk.asks(bank)
    assert desk.hears(bank).reason in ("type.unknown", "link.not_signed_on")
    assert not desk.core.issuers["nbk"].links


# Several HSMs


def test_the_hsms_take_turns_and_one_that_is_lost_is_not_missed() -> None:
    desk = Desk()
    first, second = desk.hsm(), desk.hsm()
    bank, machine = desk.issuer("nbk"), desk.gateway("nbk")
    for number in range(1, 5):
        cash(desk, machine, stan=f"{number:06d}")
    asked = {box: len(desk.raw.get(box, ())) for box in (first, second)}
    assert asked == {first: 2, second: 2}
    desk.hangs_up(first)
    assert len(desk.raw[second]) == 4
    for frame in list(desk.raw[second]):
        desk.hsm_answers(second, read_request(frame, 4), pin_length="04", pin_block="FEDCBA9876543210", format="01")
    assert len(desk.heard[bank]) == 4


def test_an_hsm_that_does_not_answer_is_left_out_while_there_is_another() -> None:
    desk = Desk()
    desk.hsm(), desk.hsm()
    desk.issuer("nbk")
    machine = desk.gateway("nbk")
    cash(desk, machine)
    desk.passes(1.1)
    assert [reason for _, reason in desk.closures] == ["the HSM does not answer"]


def test_the_network_names_its_hsms(tmp_path: Path) -> None:
    file = tmp_path / "network.toml"
    file.write_text('hsms = ["hsm", "10.0.0.7:1500"]\n[ports]\nhsm = 1500\n')
    assert load(tmp_path).hsms == ("hsm", "10.0.0.7:1500")
    file.write_text('hsms = ["hsm_2"]\n[ports]\nhsm = 1500\n')
    with pytest.raises(NetworkError, match="hsms: no port is named 'hsm_2'"):
        load(tmp_path)
    file.write_text("[ports]\nhsm = 1500\n")
    assert load(tmp_path).hsms == ("hsm",)
    file.write_text("[ports]\nlab = 8583\n")
    assert load(tmp_path).hsms == ()


# Match keys


def test_what_an_answer_must_agree_in_is_agreed() -> None:
    desk = Desk()
    bank, shop = desk.issuer(match=(37,)), desk.gateway()
    desk.asks(shop)
    request = desk.hears(bank)
    desk.answers(bank, request, rrn="999999999999")
    assert desk.silent(shop)
    desk.answers(bank, request, terminal_id="ANOTHER1", amount="000000010000")
    assert desk.hears(shop).response_code == "00"


# Floods


def test_more_0800_than_agreed_are_answered_busy_and_the_rest_flows() -> None:
    """Row 58 of the catalogue."""
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway(management_per_minute=3)
    for number in range(1, 6):
        desk.says(shop, "0800", stan=f"{number:06d}", network_management_code="301")
    assert [desk.hears(shop).response_code for _ in range(5)] == ["00", "00", "00", "96", "96"]
    desk.asks(shop)
    desk.answers(bank, desk.hears(bank))
    assert desk.hears(shop).response_code == "00"
    desk.passes(61)
    desk.says(shop, "0800", network_management_code="301")
    assert desk.hears(shop).response_code == "00"
