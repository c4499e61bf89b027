"""The line to the HSM, over real sockets: against our simulator, and against hosts that misbehave."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from random import Random

import pytest
import trio
import trio.testing

from hsm_sim.server import serve
from hsm_sim.settings import Settings
from protocols.errors import LocalProtocolError
from protocols.framing import framing_named
from protocols.hsm import HsmAnswer
from protocols.runtime.hsm_client import HsmClient, HsmDown
from protocols.runtime.link import Link
from protocols.runtime.listener import serve_links
from tests.hsm_sim.known import BLOCK_UNDER_K2, GOOD

NC = b"ND0026860400000000001500-0023"


@asynccontextmanager
async def client_of(
    port: int, *, header_length: int = 4, timeout_s: float = 5.0, connected: bool = True
) -> AsyncIterator[HsmClient]:
    async with trio.open_nursery() as nursery:
        client = HsmClient(("127.0.0.1", port), nursery, header_length, timeout_s, random=Random(1))
        with trio.fail_after(60):
            if connected:
                await client.wait_up()
            yield client
        await client.aclose()


@asynccontextmanager
async def simulator(**settings) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        yield await nursery.start(partial(serve, Settings(**settings), host="127.0.0.1", port=0))
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def host(handler: Callable[[Link], Awaitable[object]]) -> AsyncIterator[int]:
    """An HSM of the test's own making."""
    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve_links, "127.0.0.1", 0, framing_named("len2"), handler)
        nursery.cancel_scope.cancel()


async def test_a_question_gets_its_answer() -> None:
    async with simulator() as port, client_of(port) as hsm:
        answer = await hsm.ask("CC", **GOOD["CC"])
        assert (answer.error, answer.fields["pin_block"]) == ("00", BLOCK_UNDER_K2)
        assert (await hsm.ask("NC")).fields["firmware"] == "1500-0023"
        assert (await hsm.ask("EC", **{**GOOD["EC"], "pvv": "0000"})).error == "01"
        assert (await hsm.ask("B2", data=b"\x00\xff")).fields == {"data": "\x00\xff"}


async def test_answers_whose_shape_depends_on_the_question_are_read() -> None:
    async with simulator() as port, client_of(port) as hsm:
        made = await hsm.ask("A0", **GOOD["A0"])
        assert set(made.fields) == {"key", "exported_key", "check_value"}
        asked = {"pair_code": "FF", "key_length": "1", "key": made.fields["key"], "key_type": "001"}
        short = await hsm.ask("BU", **asked, check_value_type="1")
        assert short.fields["check_value"] == made.fields["check_value"]


@pytest.mark.parametrize("header_length", [1, 2, 4, 12])
async def test_many_questions_at_once_each_get_their_own_answer(header_length: int) -> None:
    told: dict[int, str] = {}
    count = min(10**header_length, 300)

    async def one(hsm: HsmClient, n: int) -> None:
        told[n] = (await hsm.ask("B2", data=str(n))).fields["data"]

    async with (
        simulator(header_length=header_length) as port,
        client_of(port, header_length=header_length) as hsm,
        trio.open_nursery() as nursery,
    ):
        for n in range(count):
            nursery.start_soon(one, hsm, n)
    assert told == {n: str(n) for n in range(count)}


async def test_questions_of_one_turn_travel_together_and_answers_may_come_in_any_order() -> None:
    batches: list[int] = []

    async def backwards(link: Link) -> None:
        while frames := await link.receive():
            batches.append(len(frames))
            link.send([frame[:4] + b"CX00" + frame[-3:] for frame in reversed(frames)])

    told: list[str] = []

    async def one(hsm: HsmClient, code: str) -> None:
        told.append(code + (await hsm.ask("CW", **{**GOOD["CW"], "service_code": code})).fields["cvv"])

    async with host(backwards) as port, client_of(port) as hsm, trio.open_nursery() as nursery:
        for n in range(40):
            nursery.start_soon(one, hsm, f"{n:03d}")
    assert batches == [40]
    assert sorted(told) == [f"{n:03d}" * 2 for n in range(40)]


async def test_without_a_link_the_hsm_is_down_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused
        async with client_of(nobody.getsockname()[1], connected=False) as hsm:
            assert not hsm.is_up
            with pytest.raises(HsmDown, match="reached"):
                await hsm.ask("NC")


async def test_a_silent_hsm_is_down_when_the_deadline_has_passed_and_its_late_answer_is_nobodys() -> None:
    release = trio.Event()

    async def late(link: Link) -> None:
        frames = await link.receive()
        await release.wait()
        link.send([frame[:4] + b"CX00666" for frame in frames])
        while frames := await link.receive():
            link.send([frame[:4] + b"CX00" + frame[-3:] for frame in frames])

    async with host(late) as port, client_of(port, header_length=4, timeout_s=0.1) as hsm:
        with pytest.raises(HsmDown, match="deadline"):
            await hsm.ask("CW", **GOOD["CW"])
        assert hsm.is_up
        release.set()
        hsm.timeout_s = 5.0
        assert (await hsm.ask("CW", **{**GOOD["CW"], "service_code": "123"})).fields == {"cvv": "123"}


async def test_a_number_whose_answer_may_still_come_is_not_used_again() -> None:
    async def never(link: Link) -> None:
        while await link.receive():
            pass

    async with host(never) as port, client_of(port, header_length=1, timeout_s=0.05) as hsm:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(_expect_down, hsm, "deadline")
        await _expect_down(hsm, "too many")


async def _expect_down(hsm: HsmClient, why: str) -> None:
    with pytest.raises(HsmDown, match=why):
        await hsm.ask("NC")


async def test_open_questions_end_with_the_link_and_the_next_link_serves() -> None:
    served: list[int] = []

    async def first_hangs_up(link: Link) -> None:
        served.append(1)
        while frames := await link.receive():
            if len(served) == 1:
                return
            link.send([frame[:4] + NC for frame in frames])

    async with host(first_hangs_up) as port, client_of(port) as hsm:
        await _expect_down(hsm, "link ended")
        await hsm.wait_up()
        assert (await hsm.ask("NC")).done
    assert len(served) == 2


@pytest.mark.parametrize("garbage", [b"0000XX00", b"0000ND??", b"0000ND00zz"])
async def test_an_answer_that_cannot_be_read_ends_the_link(garbage: bytes) -> None:
    async def babbles(link: Link) -> None:
        while await link.receive():
            link.send([garbage])

    async with host(babbles) as port, client_of(port) as hsm:
        await _expect_down(hsm, "cannot be read")
        await hsm.wait_up()


async def test_an_answer_nobody_asked_for_is_dropped() -> None:
    async def chatty(link: Link) -> None:
        while frames := await link.receive():
            link.send([b"7777" + NC, frames[0][:4] + NC, frames[0][:4] + NC])

    async with host(chatty) as port, client_of(port) as hsm:
        for _ in range(3):
            assert (await hsm.ask("NC")).done


async def test_submit_calls_back_exactly_once() -> None:
    outcomes: list[HsmAnswer | HsmDown] = []
    heard = trio.Event()

    def on_answer(outcome: HsmAnswer | HsmDown) -> None:
        outcomes.append(outcome)
        heard.set()

    async with simulator() as port, client_of(port) as hsm:
        hsm.submit("NC", {}, on_answer)
        await heard.wait()
    assert [type(outcome) for outcome in outcomes] == [HsmAnswer]


async def test_closing_ends_what_is_open_and_nothing_can_be_asked_afterwards() -> None:
    async def never(link: Link) -> None:
        while await link.receive():
            pass

    async with host(never) as port, client_of(port) as hsm:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_expect_down, hsm, "closed|link ended")
            await trio.testing.wait_all_tasks_blocked()
            await hsm.aclose()
        await _expect_down(hsm, "reached")


async def test_a_question_that_does_not_fit_is_our_mistake() -> None:
    async with simulator() as port, client_of(port) as hsm:
        with pytest.raises(LocalProtocolError, match="account"):
            await hsm.ask("CC", **{**GOOD["CC"], "account": "12"})
        assert (await hsm.ask("NC")).done


async def test_without_a_header_there_is_no_client() -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(LocalProtocolError):
            HsmClient(("127.0.0.1", 1), nursery, header_length=0)
