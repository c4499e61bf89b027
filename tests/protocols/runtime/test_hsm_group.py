"""Several HSMs asked as one, and one HSM over TLS and UDP: real sockets, our simulator at the other end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import trio

from hsm_sim.faults import Fault, Kind
from hsm_sim.server import Server, Wires
from hsm_sim.settings import Settings
from protocols.errors import LocalProtocolError
from protocols.runtime.datagrams import dial_udp
from protocols.runtime.hsm_client import HsmClient, HsmDown, HsmGroup
from protocols.runtime.tls import tls_dial
from tests.hsm_sim.known import BLOCK_UNDER_K2, GOOD
from tests.hsm_sim.test_wires import HERE, laid


@asynccontextmanager
async def box(**wires) -> AsyncIterator[tuple]:
    server = Server(Settings())
    async with trio.open_nursery() as nursery:
        yield server, await nursery.start(server.run, Wires(HERE, 0, **wires))
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def group_of(count: int, timeout_s: float = 1.0) -> AsyncIterator[tuple[HsmGroup, list[Server]]]:
    """So many simulators, and the group that asks them."""
    servers = [Server(Settings()) for _ in range(count)]
    async with trio.open_nursery() as boxes, trio.open_nursery() as nursery:
        bounds = [await boxes.start(server.run, Wires(HERE, 0)) for server in servers]
        clients = [HsmClient((HERE, bound.tcp), nursery, random=Random(1)) for bound in bounds]
        group = HsmGroup(clients, nursery, timeout_s)
        with trio.fail_after(60):
            for client in clients:
                await client.wait_up()
            yield group, servers
        await group.aclose()
        boxes.cancel_scope.cancel()


async def test_the_first_of_a_group_is_asked_as_long_as_it_answers() -> None:
    async with group_of(2) as (group, (first, second)):
        for _ in range(5):
            assert (await group.ask("CC", **GOOD["CC"])).fields["pin_block"] == BLOCK_UNDER_K2
        assert (first.figures.counts["CC", "00"], second.figures.counts.total()) == (5, 0)


async def test_an_hsm_that_closes_its_links_is_covered_by_the_next_without_a_lost_question() -> None:
    async with group_of(2) as (group, (first, second)):
        first.faults.set(Fault("CC", Kind.CLOSE))
        for _ in range(3):
            assert (await group.ask("CC", **GOOD["CC"])).done
        assert second.figures.counts["CC", "00"] == 3
        assert group.failovers >= 1


async def test_a_frozen_hsm_costs_its_share_once_and_comes_back_when_it_answers(monkeypatch) -> None:
    monkeypatch.setattr("protocols.runtime.hsm_client.PROBE_S", 0.05)
    async with group_of(2, timeout_s=0.4) as (group, (first, second)):
        first.faults.set(Fault("*", Kind.DROP))
        began = trio.current_time()
        assert (await group.ask("NC")).done
        assert 0.2 <= trio.current_time() - began < 0.4
        began = trio.current_time()
        assert (await group.ask("NC")).done
        assert trio.current_time() - began < 0.15
        first.faults.clear()
        for _ in range(100):  # until a probe has been answered
            if not group.suspects:
                break
            await trio.sleep(0.02)
        asked = second.figures.counts.total()
        assert (await group.ask("NC")).done
        assert second.figures.counts.total() == asked


async def test_an_error_code_is_an_answer_and_nobody_else_is_asked() -> None:
    async with group_of(2) as (group, (_, second)):
        assert (await group.ask("EC", **{**GOOD["EC"], "pvv": "0000"})).error == "01"
        assert second.figures.counts.total() == 0


async def test_a_group_that_cannot_be_reached_is_down_at_once() -> None:
    async with trio.open_nursery() as nursery:
        group = HsmGroup([HsmClient((HERE, 9), nursery, random=Random(1))], nursery)
        assert not group.is_up
        with pytest.raises(HsmDown, match="no HSM can be reached"):
            await group.ask("NC")
        await group.aclose()


def test_a_group_of_none_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        HsmGroup([], None)


async def test_one_hsm_over_mutual_tls_and_over_udp(tmp_path: Path) -> None:
    credentials, mine = laid(tmp_path, "hsm"), laid(tmp_path, "switch")
    async with (
        box(udp=True, tls=(HERE, 0), credentials=credentials) as (_, bound),
        trio.open_nursery() as nursery,
    ):
        for port, dial in ((bound.tls, tls_dial(mine, "hsm")), (bound.udp, dial_udp)):
            client = HsmClient((HERE, port), nursery, timeout_s=5, random=Random(1), dial=dial)
            told: list[str] = []

            async def ask(client: HsmClient = client, told: list[str] = told) -> None:
                told.append((await client.ask("CC", **GOOD["CC"])).fields["pin_block"])

            with trio.fail_after(60):
                await client.wait_up()
                async with trio.open_nursery() as askers:
                    for _ in range(20):
                        askers.start_soon(ask)
            assert told == [BLOCK_UNDER_K2] * 20
            await client.aclose()


async def test_over_udp_a_lost_answer_is_down_when_the_deadline_has_passed() -> None:
    async with box(udp=True) as (server, bound), trio.open_nursery() as nursery:
        client = HsmClient((HERE, bound.udp), nursery, timeout_s=0.1, random=Random(1), dial=dial_udp)
        await client.wait_up()
        server.faults.set(Fault("NC", Kind.DROP, left=1))
        with pytest.raises(HsmDown, match="deadline"):
            await client.ask("NC")
        assert (await client.ask("NC")).done
        await client.aclose()
