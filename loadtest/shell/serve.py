"""Serving: listen, hand frames to the answerer, write what it says when it is due, and keep the script's timeline.

A task for each connection, one timer for all delays. Deciding is `answerer`'s. Runs until it is cancelled.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping
from itertools import count
from random import Random
from typing import Final

import trio

from loadtest.answerer import Answerer, Answers
from loadtest.scenario import Target
from loadtest.script import Event, Script
from loadtest.shell.timer import Timer
from loadtest.shell.upstream import Upstream
from loadtest.shell.wire import dialect_for, framing_for
from protocols.errors import RemoteProtocolError
from protocols.framing import Framing
from protocols.message import Message
from protocols.runtime.tls import Credentials

READ_SIZE: Final = 64 * 1024
NANO: Final = 1_000_000_000


class Connection:
    """One client: what waits to be written to it, and the task that writes."""

    def __init__(self, stream: trio.abc.Stream, framing: Framing) -> None:
        self.stream, self.framing = stream, framing
        self._out: list[bytes] = []
        self._more = trio.Event()
        self.scope = trio.CancelScope()

    def say(self, frame: bytes) -> None:
        self._out.append(self.framing.pack(frame))
        self._more.set()

    def say_half(self) -> None:
        """The beginning of an answer that never comes to its end."""
        self._out.append(self.framing.pack(b"0110" + bytes(60))[:30])
        self._more.set()

    async def write(self) -> None:
        while True:
            await self._more.wait()
            self._more = trio.Event()
            data, self._out = b"".join(self._out), []
            await self.stream.send_all(data)


class Server:
    def __init__(self, script: Script, credentials: Credentials | None = None) -> None:
        """UsageError where the script's dialect or framing is none."""
        target = Target(dialect=script.dialect, framing=script.framing)
        self.script = script
        self.answerer = Answerer(script, dialect_for(target), Random(script.seed))
        self._framing = framing_for(target)
        self._credentials = credentials
        self._connections: set[Connection] = set()
        self._due: list[tuple[int, int, Connection, bytes]] = []  # by ns of the monotonic clock
        self._order = count()
        self._sooner = trio.Event()
        try:
            self._timer: Timer | None = Timer()
        except OSError:
            self._timer = None
        acquirer = script.acquirer
        self._upstream = Upstream(acquirer, dialect_for(target), self._framing, self._pass_on) if acquirer else None
        self._reading = _Gate()
        self._answering = _Gate()
        self._refusing_until = 0.0
        self._began = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; reports the port."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._answer_when_due)
            nursery.start_soon(self._keep_timeline)
            if self._upstream is not None:
                nursery.start_soon(self._upstream.run)
            listeners = await trio.open_tcp_listeners(self.script.port, host=self.script.host)
            port: int = listeners[0].socket.getsockname()[1]
            task_status.started(port)
            try:
                await trio.serve_listeners(self._attend, listeners)
            finally:
                if self._timer is not None:
                    self._timer.close()

    async def _attend(self, tcp: trio.SocketStream) -> None:
        if trio.current_time() < self._refusing_until:
            await tcp.aclose()
            return
        stream: trio.abc.Stream = tcp
        if self._credentials is not None:
            stream = trio.SSLStream(tcp, self._credentials.listening, server_side=True, https_compatible=True)
        connection = Connection(stream, self._framing)
        self._connections.add(connection)
        try:
            with connection.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(connection.write)
                    await self._read(connection)
                    nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it hung up, which is its right
        finally:
            self._connections.discard(connection)
            await trio.aclose_forcefully(stream)

    async def _read(self, connection: Connection) -> None:
        framer, answers = self._framing.framer(), self.answerer.answers
        while data := await connection.stream.receive_some(READ_SIZE):
            now = time.monotonic_ns()
            await self._reading.passed()
            await self._answering.passed()
            try:
                frames = framer.feed(bytes(data))
            except RemoteProtocolError:
                return
            for frame in frames:
                if self._upstream is not None and (message := self.answerer.to_bring(frame)) is not None:
                    self._upstream.bring(message, connection)
                else:
                    self._say(answers(frame), connection, now)
            if self.answerer.asked > self.answerer.managed:
                self._began.set()

    def _pass_on(self, message: Message, who: object, told: Mapping[int, str | None]) -> None:
        """The network has answered what we brought it."""
        assert isinstance(who, Connection)
        self._say(self.answerer.brought(message, told), who, time.monotonic_ns())

    def _say(self, answers: Answers, connection: Connection, now: int) -> None:
        for delay, answer in answers:
            if delay:
                self._later(now + delay, connection, answer)
            elif connection in self._connections:
                connection.say(answer)

    def _later(self, when: int, connection: Connection, answer: bytes) -> None:
        heapq.heappush(self._due, (when, next(self._order), connection, answer))
        if self._due[0][0] == when:
            if self._timer is not None:
                self._timer.arm(when)
            self._sooner.set()

    async def _answer_when_due(self) -> None:
        while True:
            await self._first_is_due()
            await self._answering.passed()
            now = time.monotonic_ns()
            while self._due and self._due[0][0] <= now:
                _, _, connection, answer = heapq.heappop(self._due)
                if connection in self._connections:
                    connection.say(answer)
            if self._due and self._timer is not None:
                self._timer.arm(self._due[0][0])

    async def _first_is_due(self) -> None:
        """By a timerfd where there is one: Trio's own sleep would add a millisecond to every latency we promise."""
        if self._timer is not None:
            await trio.lowlevel.wait_readable(self._timer.fd)
            self._timer.read()
            return
        self._sooner = trio.Event()
        with trio.move_on_after(max(self._due[0][0] - time.monotonic_ns(), 0) / NANO if self._due else float("inf")):
            await self._sooner.wait()

    async def _keep_timeline(self) -> None:
        if not self.script.timeline:
            return
        await self._began.wait()
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for event in self.script.timeline:
                nursery.start_soon(self._happen, event, began + event.at_s)

    async def _happen(self, event: Event, at: float) -> None:
        await trio.sleep_until(at)
        if event.freeze_s is not None:
            await self._answering.shut_until(at + event.freeze_s)
        elif event.stop_reading_s is not None:
            await self._reading.shut_until(at + event.stop_reading_s)
        elif event.close_mid_frame:
            for connection in self._connections:
                connection.say_half()
            await trio.sleep(0.05)
            self._close_all()
        else:
            if event.refuse_s is not None:
                self._refusing_until = at + event.refuse_s
            self._close_all()

    def _close_all(self) -> None:
        for connection in self._connections:
            connection.scope.cancel()


class _Gate:
    """Open, unless it is shut for a while."""

    def __init__(self) -> None:
        self._opened: trio.Event | None = None

    async def passed(self) -> None:
        while self._opened is not None:
            await self._opened.wait()

    async def shut_until(self, when: float) -> None:
        self._opened = opened = trio.Event()
        await trio.sleep_until(when)
        self._opened = None
        opened.set()
