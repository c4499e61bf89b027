"""kill -9, as a stranger lives through it: what was told stays true, what was not told can be undone.

On a network of its own, because it breaks it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.network import ASK_WITHIN_S, SWITCH, RunningNetwork, issuer, running_network
from tests.peers.client import Client, Fields, pack, reversal_of

APPROVED = "00"


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network() as running:
        yield running


@pytest.fixture(scope="module")
def card(network: RunningNetwork) -> dict[str, Any]:
    """A credit card of the National Bank of Kuwait, with room for all that is bought here."""
    return next(one for one in network.cards() if (one["issuer"], one["product"]) == ("nbk", "classic-credit"))


def purchases(client: Client, card: dict[str, Any], count: int) -> list[Fields]:
    return [client.purchase(card["pan"], 1000 + number, "414", de14=card["expiry"]) for number in range(count)]


def key(fields: Fields) -> tuple[str, str]:
    return fields[11], fields[7]


def told_before_the_end(client: Client) -> dict[tuple[str, str], Fields]:
    """Every answer that arrives before the connection ends."""
    told = {}
    while True:
        try:
            _, answer = client.receive()
        except OSError:
            return told
        told[key(answer)] = answer


def send_one_by_one(client: Client, sent: list[Fields]) -> None:
    with contextlib.suppress(OSError):  # the other side is killed meanwhile: that is the test
        for fields in sent:
            client.send(pack("0100", fields))


def test_what_was_told_before_the_kill_is_true_after_it(network: RunningNetwork, card: dict[str, Any]) -> None:
    with Client(network.host, network.ports["lab"]) as client:
        sent = purchases(client, card, 40)
        # One write a message, so that the switch is in the middle of things and not at the end of one batch.
        writer = threading.Thread(target=send_one_by_one, args=(client, sent))
        writer.start()
        first = [client.receive()[1] for _ in range(15)]
        network.kill(SWITCH)
        told = {key(answer): answer for answer in first} | told_before_the_end(client)
        writer.join()
    network.start(SWITCH)
    with Client(network.host, network.ports["lab"]) as client:
        for fields in sent:
            if key(fields) in told:  # a repeat hears what was heard before
                assert client.ask("0101", fields) == ("0110", told[key(fields)])
            else:  # in doubt: reverse, never resend
                mti, answer = client.ask("0420", reversal_of(client, "0100", fields))
                assert (mti, answer[39]) == ("0430", APPROVED)
    books = {entry["rrn"]: entry for entry in network.settled()}
    for fields in sent:
        entry = books.get(fields[37])  # one that never reached the switch's journal is in no book
        was_approved = key(fields) in told and told[key(fields)][39] == APPROVED
        assert (entry is not None and entry["state"] == "approved") is was_approved


def test_while_a_bank_is_dead_somebody_answers(network: RunningNetwork, card: dict[str, Any]) -> None:
    with Client(network.host, network.ports["lab"]) as client:
        for fields in purchases(client, card, 10):
            client.send(pack("0100", fields))
        network.kill(issuer("nbk"))
        during = [client.receive()[1] for _ in range(10)]
        after = [client.ask("0100", fields)[1] for fields in purchases(client, card, 5)]
    assert {answer[39] for answer in during + after} <= {APPROVED, "91"}
    network.start(issuer("nbk"))


def test_a_bank_that_comes_back_is_in_use_again(network: RunningNetwork, card: dict[str, Any]) -> None:
    with Client(network.host, network.ports["lab"]) as client:

        def answers_itself() -> bool:
            (fields,) = purchases(client, card, 1)
            beyond_stand_in = fields | {4: "000000060000"}  # 60.000, above what stand-in may approve
            _, answer = client.ask("0100", beyond_stand_in)
            client.ask("0420", reversal_of(client, "0100", beyond_stand_in))
            return answer[39] == APPROVED

        network.until(answers_itself, ASK_WITHIN_S, "the bank to answer for itself")


def test_the_switch_stops_in_order_and_starts_with_what_it_knew(network: RunningNetwork, card: dict[str, Any]) -> None:
    with Client(network.host, network.ports["lab"]) as client:
        (fields,) = purchases(client, card, 1)
        _, first = client.ask("0100", fields)
    assert network.stop(SWITCH) == 0
    network.start(SWITCH)
    with Client(network.host, network.ports["lab"]) as client:
        assert client.ask("0101", fields) == ("0110", first)


def test_all_books_agree_about_all_of_this(network: RunningNetwork) -> None:
    network.settled()
    audit = network.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
