"""An acquirer with a host of its own, as real processes: a tenant's sale from the till to the settlement line, and a
host that is killed with payments on their way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switch.place import Part, Party
from tests.network import ASK_WITHIN_S, SWITCH, RunningNetwork, Till, issuer, running_network

HOST = Party(Part.ACQUIRER, "nbd")
MALL = "UAEMALL00000001"
CARD = {"pan": "9784100000000019", "expiry": "2912"}
SANDBOX = {"pan": "4111111111111111", "expiry": "2912"}


SHOP = "GULFMART0000001"
DEBIT = {"pan": "9784300000000015", "expiry": "2912"}
CORNER_SHOP = """
[[merchant]]
id = "CORNERSHOP00001"
name = "Corner shop"
city = "Dubai"
country = "AE"
merchant_type = "5999"
acquirer = "ebi"
currencies = ["AED"]
channels = ["ecommerce"]
terminals = ["CORN0001", "CORN0002"]
"""


def with_a_host(directory: Path) -> None:
    file = directory / "participants" / "nbd.toml"
    deadlines = "[deadlines]\nacquirer_s = 4.0\nissuer_s = 3.0\n"
    file.write_text(file.read_text().replace("[keys]", f'host = "nbd_host"\n\n{deadlines}\n[keys]'))
    gateway = directory / "gateways" / "comtrust.toml"
    gateway.write_text(gateway.read_text().replace("merchants = [", f'merchants = ["{SHOP}", "CORNERSHOP00001", ', 1))


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=with_a_host) as running:
        running.start(HOST)
        yield running


@pytest.fixture(scope="module")
def till(network: RunningNetwork) -> Iterator[Till]:
    assert network.place.network is not None
    merchants = network.place.network / "merchants.toml"
    # Its gateway knows it already, the running switch does not.
    merchants.write_text(merchants.read_text() + CORNER_SHOP)
    with network.till("comtrust") as till:
        network.until(lambda: sells(till, **CARD)["response_code"] == "00", ASK_WITHIN_S, "the host")
        yield till


def sells(till: Till, **line: Any) -> dict[str, Any]:
    return till.ask("purchase", **{"merchant": MALL, "amount": "100.00", **line})


def answers(till: Till, asked: list[int]) -> dict[int, str]:
    """What each line heard: lines that are answered together are told in no order."""
    return {told["id"]: told["response_code"] for told in (till.next() for _ in asked)}


def lines(network: RunningNetwork) -> dict[str | None, dict[str, Any]]:
    told = network.run("acquirers.hosting", "nbd", "lines", "--json")
    assert told.returncode == 0, told.stderr
    return {one["sub_merchant"]: one for one in json.loads(told.stdout)}


def agree(network: RunningNetwork) -> None:
    network.settled()
    audit = network.audit()
    assert audit.returncode == 0, audit.stdout


def test_a_tenants_sale_is_traced_to_its_settlement_line(network: RunningNetwork, till: Till) -> None:
    sold = sells(till, **CARD, amount="250.00", sub_merchant="UAEMALL-PARTS")
    assert sold["response_code"] == "00"
    line = lines(network)["UAEMALL-PARTS"]
    assert line == {
        "merchant": MALL,
        "sub_merchant": "UAEMALL-PARTS",
        "title": "Deira Computer Parts",
        "sales": 1,
        "sold": "250.00 AED",
        "refunds": 0,
        "refunded": "0.00 AED",
        "service_charge": "5.00 AED",
        "net": "245.00 AED",
    }
    taken_back = till.ask("reverse", of=sold["id"])
    assert taken_back["response_code"] == "00"
    network.until(lambda: "UAEMALL-PARTS" not in lines(network), ASK_WITHIN_S, "the line to be gone")
    agree(network)


def test_the_host_decides_by_its_contracts(till: Till) -> None:
    refused = sells(till, **CARD, amount="20000.01")
    assert (refused["response_code"], refused["reason"]) == ("61", "limit.exceeded")
    stranger = sells(till, **CARD, sub_merchant="NOBODY")
    assert (stranger["response_code"], stranger["reason"]) == ("03", "merchant.unknown")


def test_a_tenant_that_is_boarded_sells_at_once_and_after_a_restart(network: RunningNetwork, till: Till) -> None:
    told = network.run("acquirers.hosting", "nbd", "board", MALL, "--tenant", "UAEMALL-NEW=New tenant")
    assert told.returncode == 0, told.stderr
    assert sells(till, **CARD, sub_merchant="UAEMALL-NEW")["response_code"] == "00"
    network.kill(HOST)
    network.start(HOST)
    network.until(
        lambda: sells(till, **CARD, sub_merchant="UAEMALL-NEW")["response_code"] == "00",
        ASK_WITHIN_S,
        "the host to be back",
    )
    assert lines(network)["UAEMALL-NEW"]["title"] == "New tenant"


def test_a_host_killed_with_payments_on_their_way_leaves_books_that_agree(network: RunningNetwork, till: Till) -> None:
    network.freeze(issuer("sandbox"))
    asked = [till.say("purchase", merchant=MALL, amount="100.00", sub_merchant="UAEMALL-PARTS", **SANDBOX)]
    asked += [till.say("purchase", merchant=MALL, amount=f"1{n}.00", **SANDBOX) for n in range(4)]
    sells(till, **CARD)  # by now the others are out at their issuer
    network.kill(HOST)
    network.thaw(issuer("sandbox"))
    assert answers(till, asked) == dict.fromkeys(asked, "91")
    network.start(HOST)

    def undone() -> bool:
        books = [one for one in network.books() if one["issuer"] == "sandbox"]
        return len(books) == len(asked) and all(one["state"] == "reversed" for one in books)

    network.until(undone, ASK_WITHIN_S, "what was in doubt to be undone")
    assert "UAEMALL-PARTS" not in lines(network)
    agree(network)


def inserts(till: Till, **line: Any) -> str:
    said = till.ask(**{"do": "purchase", "merchant": SHOP, "channel": "card_present", "how": "insert", **DEBIT, **line})
    return f"{said['response_code']} {said['reason'] or ''}".strip()


def test_a_chip_and_its_pin_go_through_the_host_and_the_pin_is_translated_on_each_leg(till: Till) -> None:
    assert inserts(till, amount="25.00", pin="1234") == "00"
    assert inserts(till, amount="25.00", pin="9999") == "55 pin.wrong"
    assert inserts(till, amount="25.00") == "57 pin.missing"  # the books are held against each other further down


def test_what_is_reserved_through_the_host_is_completed_through_it(network: RunningNetwork, till: Till) -> None:
    reserved = till.ask("preauth", merchant=MALL, amount="90.00", sub_merchant="UAEMALL-PARTS", **CARD)
    assert reserved["response_code"] == "00"
    assert till.ask("capture", of=reserved["id"], amount="70.00")["response_code"] == "00"
    network.until(lambda: lines(network).get("UAEMALL-PARTS", {}).get("sold") == "70.00 AED", ASK_WITHIN_S, "the line")
    assert till.ask("reverse", of=reserved["id"])["response_code"] == "00"
    network.until(lambda: "UAEMALL-PARTS" not in lines(network), ASK_WITHIN_S, "the line to be gone")


def test_a_host_that_stands_still_loses_nothing(network: RunningNetwork, till: Till) -> None:
    network.freeze(HOST)
    frozen = [till.say("purchase", merchant=MALL, amount=f"{n}.00", **CARD) for n in (11, 12)]
    assert answers(till, frozen) == dict.fromkeys(frozen, "91")  # the network's patience, not the shop's
    network.thaw(HOST)
    network.until(
        lambda: sells(till, **CARD, amount="13.00")["response_code"] == "00", ASK_WITHIN_S, "the host to be fed"
    )
    agree(network)


def ordered(network: RunningNetwork, *words: str) -> str:
    done = network.run("switch", "acquirer", *words)
    return done.stdout if done.returncode == 0 else done.stderr.strip()


def buys(till: Till, terminal: str = "CORN0001") -> str:
    said = till.ask("purchase", merchant="CORNERSHOP00001", terminal=terminal, amount="5.00", **CARD)
    return f"{said['response_code']} {said.get('reason') or ''}".strip()  # no reason where the link is down


def test_a_merchant_is_boarded_changed_and_closed_while_the_switch_runs(
    network: RunningNetwork, till: Till, tmp_path: Path
) -> None:
    contract = tmp_path / "corner.toml"
    contract.write_text(CORNER_SHOP.replace(', "CORN0002"', ""))
    assert buys(till) == "03 merchant.unknown"
    assert "not nbd's" in ordered(network, "nbd", "board", "CORNERSHOP00001", "--contract", str(contract))
    assert ordered(network, "ebi", "board", "CORNERSHOP00001", "--contract", str(contract)) == ""
    assert buys(till) == "00"
    assert buys(till, "CORN0002") == "58 terminal.not_allowed"
    ordered(network, "ebi", "board", "CORNERSHOP00001", "--terminal", "CORN0002", "--without", "CORN0001")
    assert (buys(till, "CORN0002"), buys(till)) == ("00", "58 terminal.not_allowed")
    network.stop(SWITCH)
    network.start(SWITCH)
    network.until(lambda: buys(till, "CORN0002") == "00", ASK_WITHIN_S, "the switch to be back")
    assert buys(till) == "58 terminal.not_allowed"  # as boarded, whatever the file says
    assert '"CORNERSHOP00001"' in ordered(network, "ebi", "merchants")
    assert ordered(network, "ebi", "close", "CORNERSHOP00001") == ""
    assert buys(till, "CORN0002") == "03 merchant.unknown"
    assert '"CORNERSHOP00001"' not in ordered(network, "ebi", "merchants")
    agree(network)
