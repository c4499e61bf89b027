"""The HSM's wires: TCP, mutual TLS and UDP. Reads big, answers everything it read, sends once.

Nearly all commands take microseconds and are answered where they are read. The slow ones work in a
bounded number of threads; the connection they came by waits for them, so that answers stay in the
order of the requests, and every other connection goes on. Faults switched on for a test are suffered
here: delays, answers that never come, connections that close.

The only file with the wires in it, beside the control port. What a frame means is the desk's business. No
log line shows a field: command, error code, LMK id, a key's check value and counts are all there is.
"""

from __future__ import annotations

import math
import random
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NoReturn

import structlog
import trio

from hsm_sim.command import Randomness
from hsm_sim.control import serve_control
from hsm_sim.desk import AuditEntry, Desk, Done, Held
from hsm_sim.faults import Fault, Faults, Kind
from hsm_sim.figures import Connection, Figures, FraudLimits
from hsm_sim.keys import KeyStore
from hsm_sim.settings import Settings
from protocols.errors import RemoteProtocolError
from protocols.framing import framing_named
from protocols.hsm import FRAME_MAX
from protocols.runtime import poll as polling
from protocols.runtime.attend import Handler
from protocols.runtime.exits import UnavailableError
from protocols.runtime.link import Link, SocketLink
from protocols.runtime.listener import Entrance, Guest, PlainEntrance, TlsEntrance
from protocols.runtime.listener import serve as listen
from protocols.runtime.log import LogBudget
from protocols.runtime.poll import Poll
from protocols.runtime.tls import Credentials

COUNTS_EVERY_S: Final = 60.0  # how often the log says what was answered, if anything was
FRAMES_PER_TURN: Final = 128  # of one connection; then the others have their turn
DATAGRAMS_PER_TURN: Final = 64
DATAGRAM_MAX: Final = 65_535
LENGTH: Final = 2  # bytes in front of a frame
HELD_DATAGRAMS_MAX: Final = 256  # requests over UDP that wait at once; beyond that they are dropped
LAST_CALL_S: Final = 0.1  # when told to stop: what comes within so long is still answered

FRAMING: Final = framing_named("len2", longest=FRAME_MAX)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wires:
    """Where to listen. A port of 0 takes a free one."""

    host: str
    port: int
    udp: bool = False
    tls: tuple[str, int] | None = None
    credentials: Credentials | None = None
    control_port: int | None = None


@dataclass(slots=True)
class Bound:
    """Where it listens: ports, by what they are for."""

    tcp: int = 0
    udp: int | None = None
    tls: int | None = None
    control: int | None = None
    lmks: dict[str, int] = field(default_factory=dict)  # LMK id -> its own port


async def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    randomness: Randomness = secrets.token_bytes,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer on this TCP port alone until cancelled; reports the bound port when it listens."""
    server = Server(settings, randomness)
    async with trio.open_nursery() as nursery:
        bound = await nursery.start(server.run, Wires(host, port))
        task_status.started(bound.tcp)


def _nobody(tampers: int) -> None:
    """Nobody writes it down."""


def _nothing() -> None:
    """Around a wake-up of the poll there is nothing to do: every link sends what it answers."""


class Server:
    """One HSM with its wires. `run` it once."""

    def __init__(
        self,
        settings: Settings,
        randomness: Randomness = secrets.token_bytes,
        *,
        draw: Callable[[], float] = random.random,
        store: KeyStore | None = None,
        reboots: int = 0,
        on_tamper: Callable[[int], None] = _nobody,
    ) -> None:
        self.settings = settings
        limits = FraudLimits(settings.pin_failures_a_minute, settings.pin_failures_an_hour, settings.pin_attack)
        self.figures = Figures(utc_now, settings.serial, reboots, limits)
        self.faults = Faults(draw)
        reports = _Reports()
        self.desk = Desk(
            settings,
            randomness,
            reports.defect,
            figures=self.figures,
            faults=self.faults,
            on_audit=reports.audit,
            store=store,
        )
        self._reports = reports
        self._on_tamper = on_tamper
        self._threads = trio.CapacityLimiter(settings.slow_workers)
        self._faults_changed = trio.Event()
        self._talks: set[trio.CancelScope] = set()  # one a connection: cancelled while it listens
        self._busy: set[trio.CancelScope] = set()  # those that are in the middle of something
        self._stopping = False
        self._held_datagrams = 0
        self._poll: Poll | None = None  # there while it runs

    async def run(
        self,
        wires: Wires,
        stop: trio.Event | None = None,
        *,
        task_status: trio.TaskStatus[Bound] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Answer until `stop`, then finish what is in hand; reports where it listens."""
        try:
            async with trio.open_nursery() as reading:
                if polling.is_possible() and not self.settings.idle_s:
                    self._poll = Poll(_nothing)
                    reading.start_soon(self._poll.run)
                async with trio.open_nursery() as links, trio.open_nursery() as doors:
                    task_status.started(await self._open(wires, doors, links))
                    doors.start_soon(self._say_counts)
                    if stop is None:
                        await trio.sleep_forever()
                    else:
                        await stop.wait()
                        doors.cancel_scope.cancel()
                        self._last_call(links)
                reading.cancel_scope.cancel()
        finally:
            self._poll = None
            self.say_count("answered in all")

    # Doors

    async def _open(self, wires: Wires, doors: trio.Nursery, links: trio.Nursery) -> Bound:
        bound = Bound()
        bound.tcp = await doors.start(partial(self._listen, wires.host, wires.port, None, links))
        if wires.udp:
            # The same number as TCP's, whichever that became.
            bound.udp = await doors.start(self._serve_udp, wires.host, wires.port or bound.tcp, links)
        if wires.tls is not None and wires.credentials is not None:
            entrance = TlsEntrance(wires.credentials, self._guest)
            bound.tls = await doors.start(partial(self._listen, *wires.tls, None, links, entrance))
        if self.settings.port_selects_lmk:
            for lmk in self.desk.store.lmks():
                port = wires.port and wires.port + 1 + int(lmk.id)
                bound.lmks[lmk.id] = await doors.start(partial(self._listen, wires.host, port, lmk.id, links))
        if wires.control_port is not None:
            bound.control = await doors.start(serve_control, self.desk, wires.control_port, self.faults_changed)
        return bound

    def _guest(self, name: str) -> Guest:
        """Whoever our authority knows may ask."""
        return FRAMING, self._handler(None)

    async def _listen(
        self,
        host: str,
        port: int,
        lmk_id: str | None,
        links: trio.Nursery,
        entrance: Entrance | None = None,
        *,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        within = entrance or PlainEntrance(FRAMING, self._handler(lmk_id))
        await listen(host, port, self._bounded(within), nursery=links, task_status=task_status)

    def _bounded(self, entrance: Entrance) -> Entrance:
        """The entrance, for as many connections as the settings allow, whichever door they come by."""

        async def enter(sock: socket.socket, *, name: str, budget: LogBudget) -> None:
            open_ones, bound = self.figures.connections, self.settings.connections
            if len(open_ones) >= bound:
                sock.close()
                self.figures.traffic.refused_connections += 1
                self._reports.refused(name, f"more than {bound} links")
                return
            token = object()
            open_ones[token] = _connection(sock)
            try:
                await entrance(sock, name=name, budget=budget)
            finally:
                del open_ones[token]

        return enter

    def _last_call(self, links: trio.Nursery) -> None:
        """No more connections; each talk ends at its next pause, and everything when the time is up."""
        self._stopping = True
        now = trio.current_time()
        for talk in self._talks - self._busy:
            talk.deadline = now + LAST_CALL_S
        links.cancel_scope.deadline = now + self.settings.drain_s
        log.info("draining", connections=len(self.figures.connections))

    # Talks

    def _handler(self, lmk_id: str | None) -> Handler:
        async def attend(link: Link) -> None:
            await self._talk(link, lmk_id)

        return attend

    async def _talk(self, link: Link, lmk_id: str | None) -> None:
        with trio.CancelScope() as talk:
            self._talks.add(talk)
            if self._stopping:
                talk.deadline = trio.current_time() + LAST_CALL_S
            try:
                if self._poll is not None and isinstance(link, SocketLink):
                    await self._answer_polled(self._poll, link, lmk_id, talk)
                else:
                    while frames := await self._received(link):
                        self._count_received(frames)
                        await self._answer_all(link, frames, lmk_id, talk)
            except RemoteProtocolError:
                self.figures.traffic.broken_received += 1
                raise
            finally:
                self._talks.discard(talk)

    @contextmanager
    def _uninterrupted(self, talk: trio.CancelScope) -> Iterator[None]:
        """Told to stop while this lasts, the talk ends after it, not within. The time for draining bounds it all."""
        self._busy.add(talk)
        talk.deadline = math.inf
        try:
            yield
        finally:
            self._busy.discard(talk)
            if self._stopping:
                talk.deadline = trio.current_time() + LAST_CALL_S

    async def _received(self, link: Link) -> list[bytes]:
        idle_s = self.settings.idle_s
        if not idle_s:
            return await link.receive()
        with trio.move_on_after(idle_s):
            return await link.receive()
        link.abort(f"idle for {idle_s:g} s")
        log.info("link closed", link=link.name, reason=link.close_reason)
        return []

    async def _answer_polled(self, poll: Poll, link: SocketLink, lmk_id: str | None, talk: trio.CancelScope) -> None:
        """Answer where it is read, in the poll's task: links have their turns in the order in which they became
        ready, so that nobody waits for two rounds of everybody. What has to wait, and what came behind it, is
        worked off here while nothing more is read for this link."""
        rest: list[bytes | Held] = []
        reading = trio.CancelScope()

        def take(frames: list[bytes]) -> None:
            self._count_received(frames)
            rest.extend(frames if rest else self._answer_now(link, frames, lmk_id))
            if rest:
                reading.cancel()

        while not link.closed:
            reading = trio.CancelScope()
            with reading:
                await poll.read(link, take)
            if rest:
                frames, rest = rest, []
                await self._answer_all(link, frames, lmk_id, talk)
            if not reading.cancelled_caught:
                return
            if link.is_broken:  # nothing more will come that could say so
                link.leave()

    def _answer_now(self, link: Link, frames: list[bytes], lmk_id: str | None) -> Sequence[bytes | Held]:
        """Answers to all that needs no waiting, in one send; the rest, from the first that has to wait."""
        if len(frames) > FRAMES_PER_TURN:
            return frames
        take = self.desk.take
        answers: list[bytes] = []
        rest: Sequence[bytes | Held] = ()
        began = time.perf_counter()
        for number, frame in enumerate(frames):
            try:
                taken = take(frame, lmk_id)
            except RemoteProtocolError:  # too short: the talk meets it again, and ends
                rest = frames[number:]
                break
            if isinstance(taken, Held):
                rest = [taken, *frames[number + 1 :]]
                break
            answers.append(taken)
        self._send(link, answers, began)
        return rest

    async def _answer_all(
        self, link: Link, frames: Sequence[bytes | Held], lmk_id: str | None, talk: trio.CancelScope
    ) -> None:
        """Answers in the order of the requests, all in one send; those before a frame too short still go out."""
        take = self.desk.take
        answers: list[bytes] = []
        began = time.perf_counter()
        try:
            for number, frame in enumerate(frames, 1):
                taken = frame if isinstance(frame, Held) else take(frame, lmk_id)
                if isinstance(taken, Held):
                    began = self._send(link, answers, began)
                    with self._uninterrupted(talk):
                        answers = [] if (late := await self._late(taken, link)) is None else [late]
                    if link.closed:
                        return
                    began = time.perf_counter()
                else:
                    answers.append(taken)
                if number % FRAMES_PER_TURN == 0:
                    began = self._send(link, answers, began)
                    answers = []
                    with self._uninterrupted(talk):
                        await trio.lowlevel.checkpoint()
        finally:
            self._send(link, answers, began)

    def _send(self, link: Link, answers: list[bytes], began: float) -> float:
        """One send, and the time it took to get there; now."""
        if answers:
            link.send(answers)
            traffic = self.figures.traffic
            traffic.sent += len(answers)
            traffic.bytes_sent += sum(map(len, answers)) + LENGTH * len(answers)
        now = time.perf_counter()
        self.figures.worked(now - began)
        return now

    def _count_received(self, frames: Sequence[bytes]) -> None:
        traffic = self.figures.traffic
        traffic.received += len(frames)
        traffic.bytes_received += sum(map(len, frames)) + LENGTH * len(frames)

    # What has to wait

    async def _late(self, held: Held, link: Link | None) -> bytes | None:
        """The answer to a request held back; None where a fault swallows it."""
        for fault in held.faults:
            if not await self._suffered(fault, held, link):
                return None
        return self.desk.finish(held, await self._work(held))

    async def _suffered(self, fault: Fault, held: Held, link: Link | None) -> bool:
        """Whether there is to be an answer after this fault."""
        self._reports.fault(held.request.command, fault)
        match fault.kind:
            case Kind.DELAY:
                await trio.sleep(fault.ms / 1000)
            case Kind.FREEZE:
                await self._thawed(fault)
            case Kind.DROP:
                self.figures.traffic.dropped_received += 1
                return False
            case Kind.CLOSE:
                if link is not None:
                    link.abort("a fault switched on")
                return False
            case Kind.DISABLE | Kind.ERROR:
                pass  # the desk answers so
        return True

    async def _thawed(self, fault: Fault) -> None:
        while any(one.kind is Kind.FREEZE and one.command == fault.command for one in self.faults):
            await self._faults_changed.wait()

    def faults_changed(self) -> None:
        """The faults are others than before, or the box was opened: whoever is frozen shall look."""
        self._faults_changed.set()
        self._faults_changed = trio.Event()
        self._on_tamper(self.figures.tampers)

    async def _work(self, held: Held) -> Done:
        began = time.perf_counter()
        try:
            if held.is_slow:
                return await trio.to_thread.run_sync(self.desk.work, held, limiter=self._threads)
            return self.desk.work(held)
        finally:
            self.figures.worked(time.perf_counter() - began)

    # UDP

    async def _serve_udp(
        self,
        host: str,
        port: int,
        links: trio.Nursery,
        *,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        """One frame a datagram, its length in front, answered to whoever sent it."""
        with await _udp_socket(host, port) as sock:
            task_status.started(sock.getsockname()[1])
            while True:
                await trio.lowlevel.wait_readable(sock)
                self._answer_datagrams(sock, links)

    def _answer_datagrams(self, sock: socket.socket, links: trio.Nursery) -> None:
        began = time.perf_counter()
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                data, sender = sock.recvfrom(DATAGRAM_MAX)
            except BlockingIOError:
                break
            except OSError:
                continue  # an answer that nobody took comes back as an error of the next read
            self._answer_datagram(sock, data, sender, links)
        self.figures.worked(time.perf_counter() - began)

    def _answer_datagram(self, sock: socket.socket, data: bytes, sender: tuple[str, int], links: trio.Nursery) -> None:
        frame = data[LENGTH:]
        if len(data) < LENGTH or int.from_bytes(data[:LENGTH], "big") != len(frame):
            self._dropped(sender, "its length is not what it says")
            return
        self._count_received((frame,))
        try:
            taken = self.desk.take(frame)
        except RemoteProtocolError as broken:
            self._dropped(sender, broken.reason)
            return
        if not isinstance(taken, Held):
            self._reply(sock, taken, sender)
        elif self._held_datagrams >= HELD_DATAGRAMS_MAX:
            self._dropped(sender, "too many wait")
        else:
            links.start_soon(self._reply_late, sock, taken, sender)

    async def _reply_late(self, sock: socket.socket, held: Held, sender: tuple[str, int]) -> None:
        self._held_datagrams += 1
        try:
            answer = await self._late(held, None)
        finally:
            self._held_datagrams -= 1
        if answer is not None and sock.fileno() >= 0:
            self._reply(sock, answer, sender)

    def _reply(self, sock: socket.socket, answer: bytes, sender: tuple[str, int]) -> None:
        try:
            sock.sendto(len(answer).to_bytes(LENGTH, "big") + answer, sender)
        except OSError:
            return  # UDP promises nothing
        self.figures.traffic.sent += 1
        self.figures.traffic.bytes_sent += len(answer) + LENGTH

    def _dropped(self, sender: tuple[str, int], reason: str) -> None:
        self.figures.traffic.broken_received += 1
        self._reports.dropped(sender[0], reason)

    # What is told

    async def _say_counts(self) -> NoReturn:
        said = 0
        while True:
            await trio.sleep(COUNTS_EVERY_S)
            if (total := self.figures.counts.total()) != said:
                said = total
                self.say_count("answered so far")

    def say_count(self, event: str) -> None:
        """One line: how often each command was answered with each error code."""
        counts = self.figures.counts.items()
        log.info(event, counts={f"{command} {error}": count for (command, error), count in sorted(counts)})


class _Reports:
    """What the log is told. Of a defect: where it is, never what it was about. Of a fault: that it was on purpose."""

    def __init__(self) -> None:
        self._budget = LogBudget()

    def defect(self, command: str, error: Exception) -> None:
        place = _place(error)
        if (left_out := self._spent(command, place)) is not None:
            log.error("defect", command=command, error=type(error).__name__, place=place, left_out=left_out)

    def audit(self, entry: AuditEntry) -> None:
        log.info(
            "audit", command=entry.command, lmk=entry.lmk_id, result=entry.error, key_check_value=entry.check_value
        )

    def fault(self, command: str, fault: Fault) -> None:
        known = command if command.isascii() and command.isalnum() else "unknown"
        if (left_out := self._spent(known, fault.kind)) is not None:
            log.warning("fault on purpose", command=known, fault=fault.kind.value, left_out=left_out)

    def refused(self, name: str, reason: str) -> None:
        host = name.rpartition(":")[0]
        if (left_out := self._spent(host, reason)) is not None:
            log.warning("connection refused", host=host, reason=reason, left_out=left_out)

    def dropped(self, host: str, reason: str) -> None:
        if (left_out := self._spent(host, reason)) is not None:
            log.warning("datagram dropped", host=host, reason=reason, left_out=left_out)

    def _spent(self, *key: str) -> int | None:
        return self._budget.spend(key, trio.current_time())


def _place(error: Exception) -> str:
    """The line of code that failed. Not the error's text, which may quote a field."""
    step = error.__traceback__
    if step is None:
        return "unknown"
    while step.tb_next is not None:
        step = step.tb_next
    return f"{step.tb_frame.f_globals.get('__name__', '?')}:{step.tb_lineno}"


def utc_now() -> datetime:
    """What the clock says: the figures, and keys with dates, ask it."""
    return datetime.now(UTC)


def _connection(sock: socket.socket) -> Connection:
    try:
        here, there = sock.getsockname(), sock.getpeername()
    except OSError:  # it is gone already; the entrance will find out
        return Connection(0, "0" * 8, 0, utc_now())
    return Connection(here[1], hex_address(there[0]), there[1], utc_now())


def hex_address(host: str) -> str:
    """An IPv4 address as NI shows it; of IPv6 what is mapped, else zeros.

    >>> hex_address("127.0.0.1"), hex_address("::ffff:10.0.0.1"), hex_address("::1")
    ('7F000001', '0A000001', '00000000')
    """
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or IPv4Address(0)
    return f"{int(address):08X}"


async def _udp_socket(host: str, port: int) -> socket.socket:
    """A non-blocking socket that hears datagrams there. Raises UnavailableError."""
    try:
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise UnavailableError(f"cannot listen on {host}:{port} (UDP): {error.strerror}") from None
    return sock
