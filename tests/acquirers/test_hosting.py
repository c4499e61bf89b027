"""An acquirer with a host of its own, as real processes: a tenant's sale from the till to the settlement line, and a
host that is killed with payments on their way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switch.place import Part, Party
from tests.network import ASK_WITHIN_S, RunningNetwork, Till, issuer, running_network

HOST = Party(Part.ACQUIRER, "nbd")
MALL = "UAEMALL00000001"
CARD = {"pan": "9784100000000019", "expiry": "2912"}
SANDBOX = {"pan": "4111111111111111", "expiry": "2912"}


def with_a_host(directory: Path) -> None:
    file = directory / "participants" / "nbd.toml"
    file.write_text(file.read_text().replace("[keys]", 'host = "nbd_host"\n\n[keys]'))


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=with_a_host) as running:
        running.start(HOST)
        yield running


@pytest.fixture(scope="module")
def till(network: RunningNetwork) -> Iterator[Till]:
    with network.till("comtrust") as till:
        network.until(lambda: sells(till, **CARD)["response_code"] == "00", ASK_WITHIN_S, "the host")
        yield till


def sells(till: Till, **line: Any) -> dict[str, Any]:
    return till.ask("purchase", **{"merchant": MALL, "amount": "100.00", **line})


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
    for one in asked:
        assert till.answer_to(one)["response_code"] == "91"
    network.start(HOST)

    def undone() -> bool:
        books = [one for one in network.books() if one["issuer"] == "sandbox"]
        return len(books) == len(asked) and all(one["state"] == "reversed" for one in books)

    network.until(undone, ASK_WITHIN_S, "what was in doubt to be undone")
    assert "UAEMALL-PARTS" not in lines(network)
    agree(network)
