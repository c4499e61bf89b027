"""A gateway at work: over memory streams against a scripted switch, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing

from acquirers.gateway import Gateway
from acquirers.session import Outcome, Session
from acquirers.transaction import Request, make_request
from protocols import codes
from protocols.framing import framing_named
from protocols.message import Message
from protocols.runtime.link import StreamLink
from tests.acquirers.making import AT, DIALECT, answer, approval, house, order, place

LEN2 = framing_named("len2")


@dataclass
class FakeSwitch:
    """Answers what the script says; silent where the script has nothing to say."""

    stream: trio.abc.Stream
    script: Callable[[Message], list[bytes]]
    heard: list[Message] = field(default_factory=list)

    async def run(self) -> None:
        framer = LEN2.framer()
        while data := await self.stream.receive_some():
            for frame in framer.feed(data):
                message = DIALECT.decode(frame)
                self.heard.append(message)
                for back in self.script(message):
                    await self.send(back)

    async def send(self, frame: bytes) -> None:
        await self.stream.send_all(LEN2.pack(frame))

    def heard_types(self) -> list[str]:
        return [message.mti for message in self.heard]


def approves(message: Message) -> list[bytes]:
    return [approval(message.frame) if message.mti in ("0100", "0200") else answer(message.frame, "00")]


def says_nothing_about_sales(message: Message) -> list[bytes]:
    return [] if message.mti in ("0100", "0200") else approves(message)


@dataclass
class Counter:
    """A gateway with its switch, as a test sees them."""

    gateway: Gateway
    switch: FakeSwitch
    hang_up: Callable[[], None]

    def sale(self) -> Request:
        return make_request(order(), place(house()), house(), self.gateway.stamp())


@asynccontextmanager
async def at_work(script: Callable[[Message], list[bytes]]) -> AsyncIterator[Counter]:
    gateway = Gateway(house(), Session(house(), DIALECT, stan=0), utc=lambda: AT)
    ours, theirs = trio.testing.memory_stream_pair()
    switch = FakeSwitch(theirs, script)
    async with trio.open_nursery() as nursery:
        link = StreamLink(ours, LEN2, nursery, name="test")
        nursery.start_soon(switch.run)
        nursery.start_soon(gateway.watch_the_clock)
        nursery.start_soon(gateway.converse, link)
        await gateway.signed_on.wait()
        yield Counter(gateway, switch, lambda: link.abort("cut by the test"))
        nursery.cancel_scope.cancel()


async def test_a_gateway_signs_on_and_sells(autojump_clock: trio.testing.MockClock) -> None:
    async with at_work(approves) as counter:
        heard = await counter.gateway.ask(counter.sale())
        assert heard.outcome is Outcome.APPROVED
        assert counter.switch.heard_types() == ["0800", "0100"]


async def test_many_sales_are_in_flight_at_once(autojump_clock: trio.testing.MockClock) -> None:
    held: list[bytes] = []

    def answers_all_at_the_fiftieth(message: Message) -> list[bytes]:
        if message.mti == "0800":
            return approves(message)
        held.append(approval(message.frame, f"A{len(held):05d}"))
        return held[::-1] if len(held) == 50 else []

    outcomes = []
    async with at_work(answers_all_at_the_fiftieth) as counter:

        async def sell() -> None:
            sale = counter.sale()
            heard = await counter.gateway.ask(sale)
            assert heard.answer is not None and heard.answer.stan == sale.stan
            outcomes.append(heard.outcome)

        async with trio.open_nursery() as customers:
            for _ in range(50):
                customers.start_soon(sell)
    assert outcomes == [Outcome.APPROVED] * 50


async def test_silence_ends_after_fifteen_seconds_and_is_reversed(autojump_clock: trio.testing.MockClock) -> None:
    async with at_work(says_nothing_about_sales) as counter:
        began = trio.current_time()
        heard = await counter.gateway.ask(counter.sale())
        assert heard.outcome is Outcome.TIMEOUT
        assert trio.current_time() - began == pytest.approx(15)
        await trio.testing.wait_all_tasks_blocked()
        assert counter.switch.heard_types() == ["0800", "0100", "0420"]
        assert counter.gateway.owed == ()


async def test_a_quiet_gateway_sends_an_echo_every_thirty_seconds(autojump_clock: trio.testing.MockClock) -> None:
    async with at_work(approves) as counter:
        await trio.sleep(95)
        codes_sent = [message.network_management_code for message in counter.switch.heard]
        assert codes_sent == [codes.SIGN_ON] + [codes.ECHO] * 3


async def test_a_cut_link_tells_whoever_waits(autojump_clock: trio.testing.MockClock) -> None:
    async with at_work(says_nothing_about_sales) as counter:
        with trio.fail_after(1):
            async with trio.open_nursery() as customers:

                async def sell() -> None:
                    heard = await counter.gateway.ask(counter.sale())
                    assert heard.outcome is Outcome.LINK_DOWN

                customers.start_soon(sell)
                await trio.testing.wait_all_tasks_blocked()
                counter.hang_up()
        assert len(counter.gateway.owed) == 1
        heard = await counter.gateway.ask(counter.sale())
        assert heard.outcome is Outcome.LINK_DOWN and len(counter.gateway.owed) == 1


async def test_the_next_link_pays_what_the_last_one_owed(autojump_clock: trio.testing.MockClock) -> None:
    async with at_work(says_nothing_about_sales) as counter:
        async with trio.open_nursery() as customers:
            customers.start_soon(counter.gateway.ask, counter.sale())
            await trio.testing.wait_all_tasks_blocked()
            counter.hang_up()
        ours, theirs = trio.testing.memory_stream_pair()
        second = FakeSwitch(theirs, approves)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.run)
            nursery.start_soon(counter.gateway.converse, StreamLink(ours, LEN2, nursery, name="again"))
            await trio.testing.wait_all_tasks_blocked()
            assert second.heard_types() == ["0800", "0420"]
            assert counter.gateway.owed == ()
            nursery.cancel_scope.cancel()


async def test_a_gateway_takes_its_leave_after_the_last_answer(autojump_clock: trio.testing.MockClock) -> None:
    async with at_work(says_nothing_about_sales) as counter:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(counter.gateway.ask, counter.sale())
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(counter.gateway.take_leave)
            await trio.testing.wait_all_tasks_blocked()
            assert counter.switch.heard_types() == ["0800", "0100"]  # no sign-off yet
            with trio.fail_after(1):
                await counter.switch.send(approval(counter.switch.heard[-1].frame))
                await trio.testing.wait_all_tasks_blocked()
        assert counter.switch.heard[-1].network_management_code == codes.SIGN_OFF
        assert (await counter.gateway.ask(counter.sale())).outcome is Outcome.LINK_DOWN


async def test_a_gateway_that_owes_a_reversal_pays_before_it_leaves(autojump_clock: trio.testing.MockClock) -> None:
    reversals = 0

    def hears_the_second_reversal(message: Message) -> list[bytes]:
        nonlocal reversals
        reversals += message.mti in ("0420", "0421")
        return [] if reversals == 1 and message.mti == "0420" else says_nothing_about_sales(message)

    async with at_work(hears_the_second_reversal) as counter:
        await counter.gateway.ask(counter.sale())
        with trio.fail_after(60):
            await counter.gateway.take_leave()
        assert counter.switch.heard_types() == ["0800", "0100", "0420", "0421", "0800"]
