"""What is said on the wire and what is written in both books afterwards, one transaction at a time.

On a network of its own, so that one disagreement does not colour another test's audit. The
whole day is played first and the books are read once: reading them starts processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.network import RunningNetwork, running_network
from tests.peers.client import Client, Fields, reversal_of

REPLACED = "{:012d}" + "0" * 12 + "C00000000" * 2  # DE 95: what remains, then three amounts that nobody uses

State = tuple[str, int]


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network() as running:
        yield running


class Day:
    """What a credit card of the National Bank of Kuwait was used for, and what the books say of it."""

    def __init__(self, client: Client, pan: str) -> None:
        self._client, self._pan = client, pan
        self.rrns: dict[str, str] = {}
        self.answers: dict[str, Fields] = {}

    def ask(self, name: str, mti: str, amount: int, currency: str = "414", **more: str) -> Fields:
        fields = self._client.purchase(self._pan, amount, currency, **more)
        self.rrns[name] = fields[37]
        _, self.answers[name] = self._client.ask(mti, fields)
        return fields

    def reverse(self, fields: Fields, **more: str) -> None:
        changes = {int(name[2:]): value for name, value in more.items()}
        _, answer = self._client.ask("0420", reversal_of(self._client, "0100", fields) | changes)
        assert answer[39] == "00"

    def read_books(self, network: RunningNetwork) -> None:
        self._ours = {entry["rrn"]: entry for entry in network.settled()}
        self._theirs = {entry["key"]: entry for entry in network.books_of("nbk")}

    def written(self, name: str) -> tuple[State | None, State | None]:
        """State and amount in the switch's book and in the bank's; None where there is nothing."""
        ours = self._ours.get(self.rrns[name])
        return _state(ours), _state(self._theirs.get(ours["key"])) if ours else None


def _state(entry: dict[str, Any] | None) -> State | None:
    return None if entry is None else (entry["state"], entry["amount"])


@pytest.fixture(scope="module")
def day(network: RunningNetwork) -> Day:
    cards = network.cards()
    pan = next(one["pan"] for one in cards if (one["issuer"], one["product"]) == ("nbk", "classic-credit"))
    with Client(network.host, network.ports["lab"]) as client:
        day = Day(client, pan)
        day.ask("purchase", "0100", 5000)
        day.ask("too much", "0100", 5_000_000_000)
        day.reverse(day.ask("reversed", "0100", 5000))
        day.reverse(day.ask("reversed in part", "0100", 5000), de95=REPLACED.format(2000))
        day.ask("refund", "0100", 3000, de3="200000")
        day.ask("refund, single message", "0200", 3000, de3="200000")
        day.ask("advice", "0120", 5000, de38="A1B2C3", de39="00")
        day.ask("abroad", "0100", 12000, "784")
    day.read_books(network)
    return day


def test_a_purchase_charges_the_holder(day: Day) -> None:
    assert day.written("purchase") == (("approved", 5000), ("approved", 5000))


def test_a_decline_charges_nobody(day: Day) -> None:
    assert day.answers["too much"][39] in ("51", "61")
    ours, theirs = day.written("too much")
    assert ours is not None and ours[0] == "declined" and theirs == ("declined", 0)


def test_a_reversal_charges_nobody(day: Day) -> None:
    ours, theirs = day.written("reversed")
    assert ours is not None and ours[0] == "reversed" and theirs == ("reversed", 0)


def test_a_partial_reversal_charges_what_remains(day: Day) -> None:
    assert day.written("reversed in part") == (("approved", 2000), ("approved", 2000))


@pytest.mark.parametrize("name", ["refund", "refund, single message"])
def test_a_refund_is_written_with_the_same_sign_in_both(day: Day, name: str) -> None:
    ours, theirs = day.written(name)
    assert ours is not None and ours == theirs and abs(ours[1]) == 3000


def test_an_advice_of_a_gateway_is_in_both_books(day: Day) -> None:
    assert day.written("advice") == (("approved", 5000), ("approved", 5000))


def test_a_purchase_abroad_is_charged_in_the_holders_currency(day: Day) -> None:
    answer = day.answers["abroad"]
    assert (answer[39], answer[51]) == ("00", "414")
    assert day.written("abroad") == (("approved", int(answer[6])), ("approved", int(answer[6])))


def test_the_audit_finds_nothing_else(day: Day, network: RunningNetwork) -> None:
    audit = network.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
