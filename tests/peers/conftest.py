"""A stranger's connection to the running network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.network import RunningNetwork
from tests.peers.client import Client


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
