"""The network between the parties: connections made of seeded delays, in virtual time.

TCP as its users see it: bytes arrive in order or the connection is lost, never a hole. Slices, stalls, half-closes,
resets and one-way partitions (bytes are held back until it is over); reordering only across connections. Whoever
wants to know what the switch said and heard looks through `on_bytes`.
"""

from __future__ import annotations

import errno
import heapq
import itertools
from collections.abc import Callable
from random import Random
from typing import Any, NoReturn

import trio

from protocols.runtime.listener import Entrance
from protocols.runtime.log import LogBudget

Address = tuple[str, int]
BACKLOG_MAX = 64 * 1024  # bytes under way or unread; beyond it a writer waits, as with a full socket
FULL_SOON = 100  # bytes, for one that does not read
SPACE_S = 1e-7  # between two slices of one wire: no two deadlines are equal


class Air:
    """All connections, and the weather."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.on_bytes: Callable[[End, str, bytes], None] = lambda end, way, data: None
        self.delay_s: dict[str, float] = {}  # mean, by party
        self.slices: dict[str, int] = {}  # the largest piece that arrives at once, by party
        self.cannot_send: dict[str, float] = {}  # party: until when nothing of it arrives anywhere
        self.ends: dict[int, End] = {}
        self._listeners: dict[Address, tuple[str, Callable[[End], None]]] = {}
        self._numbers = itertools.count(1)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._ties = itertools.count()
        self._stirred = trio.Event()

    # Time

    def at(self, moment: float, what: Callable[..., None], *facts: Any) -> None:
        """Let something happen then."""
        heapq.heappush(self._events, (moment, next(self._ties), what, facts))
        if self._events[0][0] == moment:
            self._stirred.set()

    def after(self, seconds: float, what: Callable[..., None], *facts: Any) -> None:
        self.at(trio.current_time() + seconds, what, *facts)

    async def run(self) -> None:
        """Let happen what is due, for ever."""
        while True:
            self._stirred = trio.Event()
            ahead = self._events[0][0] - trio.current_time() if self._events else float("inf")
            if ahead > 0:
                with trio.move_on_after(ahead):
                    await self._stirred.wait()
                continue
            _, _, what, facts = heapq.heappop(self._events)
            what(*facts)

    # Connections

    async def dial(self, who: str, host: str, port: int) -> End:
        """A connection of this party to that address. Raises OSError."""
        await trio.sleep(self.lag(who) + SPACE_S)
        listener = self._listeners.get((host, port))
        if listener is None:
            raise OSError(errno.ECONNREFUSED, "connection refused")
        owner, accept = listener
        if self._is_cut_off(who) or self._is_cut_off(owner):
            await trio.sleep(30)  # longer than anybody waits for a connection
            raise OSError(errno.ETIMEDOUT, "timed out")
        here, there = End(self, who, port), End(self, owner, port)
        here.peer, there.peer = there, here
        for end in (here, there):
            end.number = next(self._numbers)
            self.ends[end.number] = end
        accept(there)
        return here

    def server(self, owner: str) -> Any:
        """What a party calls to listen, in place of the real `serve`."""

        async def serve(
            host: str,
            port: int,
            entrance: Entrance,
            *,
            nursery: trio.Nursery | None = None,
            task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
            **_: Any,
        ) -> NoReturn:
            budget = LogBudget()
            async with trio.open_nursery() as own:
                attendants = nursery or own

                async def attend(end: End) -> None:
                    await entrance(end, name=f"{end.peer.owner}:{end.number}", budget=budget)  # type: ignore[arg-type]

                def accept(end: End) -> None:
                    attendants.start_soon(attend, end)

                self._listeners[host, port] = owner, accept
                try:
                    task_status.started(port)
                    await trio.sleep_forever()
                finally:
                    if self._listeners.get((host, port)) == (owner, accept):
                        del self._listeners[host, port]
            raise AssertionError

        return serve

    def of(self, party: str, port: int | None = None) -> list[End]:
        """A party's open ends, in the order of their numbers; on this port only, if one is named."""
        return [end for end in self.ends.values() if end.owner == party and port in (None, end.port) and end.is_open]

    # Weather

    def lag(self, who: str) -> float:
        """How long something takes now on its way from or to this party."""
        return self.random.expovariate(1 / self.delay_s.get(who, 0.002))

    def _is_cut_off(self, who: str) -> bool:
        return self.cannot_send.get(who, 0.0) > trio.current_time()

    def carry(self, sender: End, data: bytes) -> None:
        """These bytes are on their way."""
        largest = min(self.slices.get(sender.owner, len(data)), self.slices.get(sender.peer.owner, len(data)))
        now, lag = trio.current_time(), max(self.lag(sender.owner), self.lag(sender.peer.owner))
        held = self.cannot_send.get(sender.owner, 0.0)
        begin = 0
        while begin < len(data):
            size = self.random.randint(1, max(1, largest)) if largest < len(data) else len(data)
            at = max(now + lag, held + lag, sender.last_at + SPACE_S)
            sender.last_at = at
            sender.under_way += len(data[begin : begin + size])
            self.at(at, sender.peer.arrive, data[begin : begin + size])
            begin += size

    def carry_end(self, sender: End) -> None:
        """The sender says no more."""
        at = max(trio.current_time() + self.lag(sender.owner), sender.last_at + SPACE_S)
        sender.last_at = at
        self.at(at, sender.peer.hears_the_end)

    def reset(self, end: End) -> None:
        """The connection is lost, and with it all that is under way."""
        for one in (end, end.peer):
            if not one.is_broken:
                self.on_bytes(one, "closed", b"")
            one.is_broken = True
            one.inbox.clear()
            one.wake()
            self.ends.pop(one.number, None)

    def kill(self, party: str) -> None:
        """A process is gone: its ends say nothing more, and the others learn of it a moment later."""
        for address in [address for address, (owner, _) in self._listeners.items() if owner == party]:
            del self._listeners[address]
        for end in self.of(party):
            end.is_dead = True
            self.on_bytes(end, "closed", b"")
            self.after(self.lag(party), self.reset, end)


class End(trio.abc.Stream):
    """One end of a connection."""

    peer: End
    number: int

    def __init__(self, air: Air, owner: str, port: int) -> None:
        self._air = air
        self.owner = owner
        self.port = port  # that was dialled: says what the connection is for
        self.inbox = bytearray()
        self.under_way = 0
        self.last_at = 0.0
        self.deaf_until = 0.0  # the process does not read
        self.was_deaf = False
        self.is_closed = self.is_broken = self.is_dead = self.has_ended = False
        self._news = trio.Event()

    @property
    def is_open(self) -> bool:
        return not (self.is_closed or self.is_broken or self.is_dead)

    def getsockname(self) -> Address:
        return "127.0.0.1", self.port

    def getpeername(self) -> Address:
        return "127.0.0.1", 40_000 + self.number

    @property
    def room(self) -> int:
        """How much may be under way to it: of one that does not read, the system's buffers are full soon."""
        return FULL_SOON if self.deaf_until > trio.current_time() else BACKLOG_MAX

    def wake(self) -> None:
        self._news.set()
        self._news = trio.Event()

    def arrive(self, data: bytes) -> None:
        self.peer.under_way -= len(data)
        if self.is_broken:
            return
        if self.is_closed or self.is_dead:  # nobody is there any more: the sender learns it
            self._air.after(0.001, self._air.reset, self)
            return
        self.inbox += data
        self.wake()

    def hears_the_end(self) -> None:
        self.has_ended = True
        self.wake()

    def go_deaf(self, seconds: float) -> None:
        """Do not read for so long."""
        self.deaf_until, self.was_deaf = trio.current_time() + seconds, True
        self.peer.was_deaf = True
        self._air.after(seconds + SPACE_S, self.wake)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        while self.is_open and self.under_way + len(self.peer.inbox) > self.peer.room:
            await self.peer._news.wait()
        if self.is_closed:
            raise trio.ClosedResourceError
        if self.is_broken:
            raise trio.BrokenResourceError
        if self.is_dead:
            return
        self._air.on_bytes(self, "out", bytes(data))
        self._air.carry(self, bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        while True:
            if self.is_closed:
                raise trio.ClosedResourceError
            if self.is_broken:
                raise trio.BrokenResourceError
            if self.inbox and not self.is_dead and self.deaf_until <= trio.current_time():
                data = bytes(self.inbox[:max_bytes])
                del self.inbox[:max_bytes]
                self.wake()
                self._air.on_bytes(self, "in", data)
                return data
            if self.has_ended and not self.inbox:
                return b""
            await self._news.wait()

    async def send_eof(self) -> None:
        """Half-close."""
        await trio.lowlevel.checkpoint()
        if self.is_open:
            self._air.carry_end(self)

    async def aclose(self) -> None:
        if self.is_open:
            self.is_closed = True
            self._air.carry_end(self)
            self._air.ends.pop(self.number, None)
            self._air.on_bytes(self, "closed", b"")
        self.is_closed = True
        self.wake()
        await trio.lowlevel.checkpoint()
