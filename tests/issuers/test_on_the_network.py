"""Banks on a running network: one dials in by several links, one is scripted, both are killed under load."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from switch.place import Part
from tests.network import ASK_WITHIN_S, RunningNetwork, issuer, running_network
from tests.peers.client import Client, Fields, pack, reversal_of

CREDIT = "9414200000000015"
AED_CREDIT = "9784100000000019"


def nbk_dials_in(directory: Path) -> None:
    """The switch is dialled by one bank, on three links, and dials the others."""
    agreement, bank = directory / "participants" / "nbk.toml", directory / "banks" / "nbk.toml"
    agreement.write_text(agreement.read_text().replace('dial = "nbk"\n', ""))
    bank.write_text(
        bank.read_text().replace('utc_offset = "+03:00"', 'utc_offset = "+03:00"\ndial = "issuers_dial_in"\nlinks = 3')
    )


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=nbk_dials_in) as running:
        yield running


@pytest.fixture
def client(network: RunningNetwork) -> Iterator[Client]:
    with Client(network.host, network.ports["lab"]) as client:
        yield client


def order(network: RunningNetwork, bank: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = network.place.command(Part.SWITCH, "issuer", bank, *words)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def until_answered(network: RunningNetwork, client: Client) -> Fields:
    """The first purchase that the bank answers: it dials until the switch is there."""

    def tried() -> Fields | None:
        request = client.purchase(CREDIT, 5_000, "414")
        return request if client.ask("0100", request)[1][39] == "00" else None

    found = network.until(tried, ASK_WITHIN_S, "the bank to dial in")
    assert found is not None
    return found


def test_a_bank_that_dials_in_is_asked_like_any_other(network: RunningNetwork, client: Client) -> None:
    request = until_answered(network, client)
    completion = reversal_of(client, "0100", request)
    completion[4] = f"{4_000:012d}"
    assert client.ask("0220", completion)[1][39] == "00"
    assert client.ask("0220", reversal_of(client, "0100", client.purchase(AED_CREDIT, 100, "784")))[1][39] == "00"
    network.settled()


def test_a_script_is_given_to_a_running_bank_and_taken_back(network: RunningNetwork, client: Client) -> None:
    given = order(network, "nbd", "script", "decline", "--card", AED_CREDIT[-4:], "--code", "59", "--times", "1")
    assert given.returncode == 0, given.stderr
    answers = [client.ask("0100", client.purchase(AED_CREDIT, 1_000, "784"))[1] for _ in range(2)]
    assert [one[39] for one in answers] == ["59", "00"]
    assert json.loads(order(network, "nbd", "scripts").stdout) == []
    assert order(network, "nbd", "script", "explode").returncode == 1
    assert json.loads(order(network, "nbd", "close-day").stdout)["holds_expired"] == 0


@pytest.mark.parametrize("bank", ["nbk", "nbd"])
def test_a_bank_killed_at_any_moment_loses_and_doubles_nothing(network: RunningNetwork, bank: str) -> None:
    pan, currency = (CREDIT, "414") if bank == "nbk" else (AED_CREDIT, "784")
    for burst in (3, 17):
        with Client(network.host, network.ports["lab"]) as client:
            for _ in range(burst):
                client.send(pack("0100", client.purchase(pan, 100, currency)))
            network.kill(issuer(bank))
            network.start(issuer(bank))
    network.settled()
    audit = network.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
