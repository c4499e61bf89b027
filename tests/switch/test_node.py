"""The shell around the core: a peer that asks for more than it is answered is made to wait, and nothing is dropped."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import Any, cast

import pytest
import trio
import trio.testing

from protocols import elements as de
from protocols.framing import framing_named
from protocols.runtime.link import Link, SocketLink
from switch.core import Core
from switch.ends import Side
from switch.shell import node as shell
from switch.store.journal import Journal
from tests.switch.desk import DIALECT, NETWORK, PURCHASE, elements

A_READ = 10
LEN2 = framing_named("len2")


class Wire:
    """A link whose other end is the test."""

    name, closed = "wire", False

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.reads = 0
        self._give, self._take = trio.open_memory_channel[list[bytes]](1000)

    def gives(self, frames: list[bytes]) -> None:
        self._give.send_nowait(frames)

    async def receive(self) -> list[bytes]:
        frames = await self._take.receive()
        self.reads += 1
        return frames

    def send(self, frames: Sequence[bytes], tokens: Sequence[object] | None = None) -> None:
        self.sent += frames

    def abort(self, reason: str) -> None:
        self.closed = True

    def unsent(self) -> list[object]:
        return []


class Disk:
    async def append(self, records: Sequence[bytes]) -> int:
        await trio.lowlevel.checkpoint()
        return len(records)


def purchase(number: int) -> bytes:
    return DIALECT.encode("0100", elements({**PURCHASE, "stan": f"{number:06d}"}))


async def another_shop_that_is_owed_nothing_is_still_read(node: shell.Node, nursery: trio.Nursery) -> None:
    quiet = Wire()
    nursery.start_soon(node.attend_gateway, cast(Link, quiet), NETWORK.participants["lab"], ())
    quiet.gives([purchase(999)])
    await trio.testing.wait_all_tasks_blocked()
    assert quiet.reads == 1


@pytest.mark.parametrize("cap", ["IN_FLIGHT_MAX", "IN_FLIGHT_ALL"])
async def test_at_the_cap_reading_stops_and_goes_on_when_answers_come(
    cap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, cap, 25)
    node = shell.Node(Core(NETWORK, Random(1)), cast(Journal, Disk()))
    shop, bank = Wire(), Wire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.keep_journal)
        nursery.start_soon(node.attend_peer, cast(Link, bank), Side.ISSUER, NETWORK.participants["sandbox"])
        nursery.start_soon(node.attend_gateway, cast(Link, shop), NETWORK.participants["lab"], ())
        await trio.testing.wait_all_tasks_blocked()
        greeting = DIALECT.decode(bank.sent.pop())
        bank.gives([greeting.answered({de.RESPONSE_CODE: "00"})])
        await trio.testing.wait_all_tasks_blocked()  # it is signed on before anybody asks for it
        for read in range(10):
            shop.gives([purchase(1 + read * A_READ + number) for number in range(A_READ)])
        await trio.testing.wait_all_tasks_blocked()
        assert (shop.reads, len(bank.sent)) == (3, 30)  # the third read went past the cap, and was the last
        if cap == "IN_FLIGHT_ALL":
            await another_shop_that_is_owed_nothing_is_still_read(node, nursery)
            assert len(bank.sent) == 31
            bank.sent.pop()

        answered = 0
        while shop.reads < 10 or answered < 100:
            requests, bank.sent = bank.sent, []
            answered += len(requests)
            bank.gives([approval(frame) for frame in requests])
            await trio.testing.wait_all_tasks_blocked()
        assert len(shop.sent) == 100
        nursery.cancel_scope.cancel()


def approval(request: bytes) -> bytes:
    answer: dict[int, Any] = {de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "A1B2C3"}
    return DIALECT.decode(request).answered(answer)


async def test_over_sockets_no_more_is_under_way_than_may_be_and_all_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shell, "IN_FLIGHT_ALL", 20)
    node, bank, most = shell.Node(Core(NETWORK, Random(1)), cast(Journal, Disk())), Wire(), 0
    with ExitStack() as stack:
        async with trio.open_nursery() as nursery:
            for task in (node.keep_polling, node.keep_journal):
                nursery.start_soon(task)
            nursery.start_soon(node.attend_peer, cast(Link, bank), Side.ISSUER, NETWORK.participants["sandbox"])
            await trio.testing.wait_all_tasks_blocked()
            bank.gives([DIALECT.decode(bank.sent.pop()).answered({de.RESPONSE_CODE: "00"})])
            await trio.testing.wait_all_tasks_blocked()
            shops = []
            for shop in range(6):
                ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
                theirs.setblocking(False)
                link = SocketLink(ours, LEN2, nursery, name=f"shop {shop}")
                nursery.start_soon(node.attend_gateway, link, NETWORK.participants["lab"], ())
                shops.append(theirs)
            await trio.testing.wait_all_tasks_blocked()
            for number, theirs in enumerate(shops):
                theirs.send(LEN2.pack_all([purchase(1 + number * A_READ + one) for one in range(A_READ)]))
            answered = 0
            while answered < 6 * A_READ:
                await trio.lowlevel.checkpoint()
                most = max(most, len(node.core.in_flight))
                requests, bank.sent = bank.sent, []
                answered += len(requests)
                if requests:
                    bank.gives([approval(frame) for frame in requests])
            await trio.testing.wait_all_tasks_blocked()
            node.act()
            heard = [len(LEN2.framer().feed(theirs.recv(65536))) for theirs in shops]
            nursery.cancel_scope.cancel()
    assert (most, heard) == (20, [A_READ] * 6)


async def test_a_gap_between_commits_is_for_those_that_many_share(autojump_clock: trio.testing.MockClock) -> None:
    network = replace(NETWORK, network=replace(NETWORK.network, journal_gap_ms=50.0))
    node = shell.Node(Core(network, Random(1)), cast(Journal, Disk()))
    shop = Wire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.keep_journal)
        nursery.start_soon(node.attend_gateway, cast(Link, shop), NETWORK.participants["lab"], ())
        began = trio.current_time()
        shop.gives([purchase(1)])  # nobody is there to be asked: a refusal is recorded too
        await trio.testing.wait_all_tasks_blocked()
        shop.gives([purchase(2)])
        await trio.testing.wait_all_tasks_blocked()
        assert (len(shop.sent), trio.current_time()) == (2, began), "who is alone never waits"

        shop.gives([purchase(10 + number) for number in range(shell.SHARED_FROM)])
        await trio.testing.wait_all_tasks_blocked()
        shop.gives([purchase(50)])
        await trio.testing.wait_all_tasks_blocked()
        assert len(shop.sent) == 2 + shell.SHARED_FROM
        await trio.sleep(0.051)
        assert len(shop.sent) == 3 + shell.SHARED_FROM
        nursery.cancel_scope.cancel()
