"""A stranger's connection to the running network."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.network import RunningNetwork
from tests.peers.client import Client

CANARY_S = 6.0  # after whatever went wrong, a good message is answered within this; one that waits for a deadline has 8


def sings(canary: Client) -> None:
    """An echo, answered in time: the link works."""
    began = time.monotonic()
    assert canary.ask("0800", canary.echo())[1][39] == "00"
    assert time.monotonic() - began < CANARY_S


@pytest.fixture
def client(network: RunningNetwork) -> Iterator[Client]:
    with Client(network.host, network.ports["lab"]) as stranger:
        yield stranger
        sings(stranger)


@pytest.fixture
def closing_client(network: RunningNetwork) -> Iterator[Client]:
    """For what must end the connection; a new one works right after."""
    with Client(network.host, network.ports["lab"]) as stranger:
        yield stranger
    with Client(network.host, network.ports["lab"]) as canary:
        sings(canary)


@pytest.fixture(scope="module")
def bystander(network: RunningNetwork) -> Iterator[Client]:
    """Somebody else's connection, open all the while: what others do wrong must not reach it."""
    with Client(network.host, network.ports["lab"]) as somebody_else:
        yield somebody_else


@pytest.fixture(scope="session")
def internet_card(network: RunningNetwork) -> str:
    """An Internet Shopping Card that works."""
    usable = [card for card in network.cards() if card["product"] == "internet-shopping" and card["state"] == "active"]
    assert usable, "no bank has an internet card that works"
    return str(usable[0]["pan"])
