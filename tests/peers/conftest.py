"""One running network for all strangers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network import RunningNetwork, running_network
from tests.peers.client import Client

SANDBOX_ISSUER_TIMEOUT_S = 1.0  # instead of 8: a test of silence shall not take as long as silence does


def impatient_with_the_sandbox(directory: Path) -> None:
    file = directory / "participants" / "sandbox.toml"
    file.write_text(file.read_text() + f"\n[deadlines]\nissuer_s = {SANDBOX_ISSUER_TIMEOUT_S}\nhsm_s = 0.5\n")


@pytest.fixture(scope="session")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=impatient_with_the_sandbox) as running:
        yield running


@pytest.fixture
def client(network: RunningNetwork) -> Iterator[Client]:
    with Client(network.host, network.ports["lab"]) as stranger:
        yield stranger
        assert stranger.ask("0800", stranger.echo())[1][39] == "00"  # the canary: the link still works


@pytest.fixture
def closing_client(network: RunningNetwork) -> Iterator[Client]:
    """For what must end the connection; a new one works right after."""
    with Client(network.host, network.ports["lab"]) as stranger:
        yield stranger
    with Client(network.host, network.ports["lab"]) as canary:
        assert canary.ask("0800", canary.echo())[1][39] == "00"


@pytest.fixture(scope="session")
def internet_card(network: RunningNetwork) -> str:
    """An Internet Shopping Card that works."""
    usable = [card for card in network.cards() if card["product"] == "internet-shopping" and card["state"] == "active"]
    assert usable, "no bank has an internet card that works"
    return str(usable[0]["pan"])
