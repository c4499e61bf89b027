"""One task reads for many links, and each hears what it would have read itself."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from protocols.errors import RemoteProtocolError
from protocols.framing import framing_named
from protocols.runtime.link import FRAME_TIMEOUT_S, SocketLink
from protocols.runtime.poll import CHECK_S, Poll

LEN2 = framing_named("len2")


class Room:
    """A poll, and links with somebody at their other ends."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.wake_ups = 0
        self.ends: list[socket.socket] = []
        self.poll = Poll(self._woken)
        self.heard: dict[str, list[bytes]] = {}
        self.ended: dict[str, RemoteProtocolError | None] = {}

    def _woken(self) -> None:
        self.wake_ups += 1

    def link(self, name: str) -> tuple[SocketLink, socket.socket]:
        ours, theirs = socket.socketpair()
        link = SocketLink(ours, LEN2, self.nursery, name=name)
        self.heard[name] = []
        self.ends.append(theirs)
        self.nursery.start_soon(self._read, link, name)
        return link, theirs

    async def _read(self, link: SocketLink, name: str) -> None:
        self.ended[name] = None
        try:
            await self.poll.read(link, self.heard[name].extend)
        except RemoteProtocolError as error:
            self.ended[name] = error
        finally:
            link.abort("read to its end")


@asynccontextmanager
async def room() -> AsyncIterator[Room]:
    async with trio.open_nursery() as nursery:
        here = Room(nursery)
        nursery.start_soon(here.poll.run)
        yield here
        nursery.cancel_scope.cancel()
    for end in here.ends:
        end.close()


async def quiet() -> None:
    """Until nobody has anything to do; sockets need a moment of the kernel's."""
    for _ in range(5):
        await trio.testing.wait_all_tasks_blocked(0.01)


async def test_every_link_hears_its_own_in_order() -> None:
    async with room() as here:
        ends = {name: here.link(name)[1] for name in "abcd"}
        await quiet()
        before = here.wake_ups
        for name, theirs in ends.items():
            theirs.send(b"".join(LEN2.pack(f"{name}{number}".encode()) for number in range(50)))
        await quiet()
        assert here.heard == {name: [f"{name}{number}".encode() for number in range(50)] for name in "abcd"}
        assert here.wake_ups - before <= len(ends), "what is there at one time is read at one time"


async def test_any_cut_gives_the_same_frames() -> None:
    async with room() as here:
        _, theirs = here.link("cut")
        for at in LEN2.pack(b"one") + LEN2.pack(b"two"):
            theirs.send(bytes((at,)))
            await quiet()
        assert here.heard["cut"] == [b"one", b"two"]


async def test_an_end_ends_one_and_no_other() -> None:
    async with room() as here:
        gone, theirs = here.link("gone")
        _, others = here.link("stays")
        await quiet()
        theirs.close()
        await quiet()
        assert gone.closed
        others.send(LEN2.pack(b"here"))
        await quiet()
        assert here.heard["stays"] == [b"here"]


async def test_a_link_closed_by_us_is_forgotten_before_its_number_is_another_s() -> None:
    async with room() as here:
        link, _theirs = here.link("first")
        await quiet()
        number = link.fileno
        link.abort("we had enough")
        second, others = here.link("second")
        await quiet()
        others.send(LEN2.pack(b"mine"))
        await quiet()
        assert here.heard == {"first": [], "second": [b"mine"]}
        assert number >= 0
        assert not second.closed


async def test_broken_framing_ends_its_link_with_a_reason_after_what_was_whole() -> None:
    async with room() as here:
        link, theirs = here.link("broken")
        theirs.send(LEN2.pack(b"whole") + b"\xff\xff")
        await quiet()
        assert here.heard["broken"] == [b"whole"]
        assert isinstance(here.ended["broken"], RemoteProtocolError)
        assert link.closed


async def test_a_frame_that_drips_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    async with room() as here:
        link, theirs = here.link("drips")
        theirs.send(LEN2.pack(b"never whole")[:-1])
        await trio.sleep(FRAME_TIMEOUT_S + 2 * CHECK_S)
        assert link.closed
        assert "was not complete" in str(link.close_reason)


async def test_frames_that_go_on_and_on_are_not_one_that_drips(autojump_clock: trio.testing.MockClock) -> None:
    """Each read ends inside a frame, and yet each frame is whole in time."""
    async with room() as here:
        link, theirs = here.link("busy")
        whole = LEN2.pack(b"again and again")
        theirs.send(whole[:4])
        for _ in range(int(FRAME_TIMEOUT_S) * 2):
            await trio.sleep(1.0)
            theirs.send(whole[4:] + whole[:4])
        await trio.sleep(0.1)
        assert not link.closed
        assert len(here.heard["busy"]) == int(FRAME_TIMEOUT_S) * 2


async def test_a_paused_link_is_not_read_until_it_may_go_on() -> None:
    async with room() as here:
        link, theirs = here.link("full")
        await quiet()
        here.poll.pause(link)
        theirs.send(LEN2.pack(b"later"))
        await quiet()
        assert here.heard["full"] == []
        here.poll.go_on(link)
        await quiet()
        assert here.heard["full"] == [b"later"]


async def test_reading_a_closed_link_ends_at_once() -> None:
    async with room() as here:
        link, _ = here.link("closed")
        link.abort("before")
        with trio.fail_after(60):
            await here.poll.read(link, lambda frames: pytest.fail("nothing comes"))
