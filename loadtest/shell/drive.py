"""The drive: one loop that keeps the plan's time, writes what is due, and reads what comes.

A task of Trio's with an epoll of its own, in which the timer and all lines are. When nothing is due for a while, it
waits as any task does (`wait_readable` of the epoll); when something is due within two milliseconds, it waits in the
epoll itself, because a turn of Trio's loop costs more than a message, and gives way to others every few milliseconds.
All arrivals that are due are begun in one wake-up, and there is one send a line and wake-up. What is sent and what an
answer means is `traffic`'s.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trio

from loadtest.lane import Lane
from loadtest.plan import NANO
from loadtest.shell.line import Line
from loadtest.shell.timer import Timer
from loadtest.traffic import Traffic

SWEEP_NS: Final = 10_000_000  # deadlines are seconds; a hundredth is exact enough
NEAR_NS: Final = 2_000_000  # below it the epoll is waited in directly
GIVE_WAY_NS: Final = 4_000_000  # other tasks (connecting, the live view) run at least so often
QUANTUM_NS: Final = 200_000  # at a dense plan, wake up no more often: a fifth of what lateness may be
DENSE: Final = 30  # messages in a sweep's time (3 000/s)
SPIN_NS: Final = 200_000  # with --spin: the last stretch is not slept

_WITH_REST: Final = getattr(select, "EPOLLIN", 1) | getattr(select, "EPOLLOUT", 4)
_PLAIN: Final = getattr(select, "EPOLLIN", 1)

monotonic_ns = time.monotonic_ns


class Drive:
    """Owns the epoll. `run` returns when `is_over` says so."""

    def __init__(self, traffic: Traffic, *, spin: bool = False) -> None:
        self.traffic = traffic
        self.lines: dict[int, Line] = {}  # by descriptor
        self.by_index: dict[int, Line] = {}
        self.spin = spin
        self._ready = select.epoll()  # OSError or AttributeError where this is not Linux
        try:
            self._timer: Timer | None = Timer()
        except OSError:
            self._timer = None
        self.timer_name = "timerfd" if self._timer else "the millisecond clock of epoll"
        if self._timer:
            self._ready.register(self._timer.fd, _PLAIN)
        self._next_sweep = self._gave_way = self._not_before = 0
        self._quantum = self._sent_before = 0
        self.spun_ns = 0  # burnt on purpose, which is no work
        self.split_share = 0.0
        self.draw: Callable[[], float] = lambda: 1.0

    def add(self, line: Line) -> None:
        self.lines[line.fd] = line
        self.by_index[line.index] = line
        self._ready.register(line.fd, _PLAIN)

    def remove(self, line: Line) -> None:
        """The line is gone: nothing is read or written any more, and what was open on it is in doubt."""
        if self.lines.pop(line.fd, None) is None:
            return
        self.by_index.pop(line.index, None)
        self._ready.unregister(line.fd)
        line.sock.close()
        self.traffic.closed(line.index, monotonic_ns())

    def pause_reading(self, line: Line) -> None:
        """Chaos: leave it unread until somebody reads it by hand."""
        line.is_read = False
        self._ready.modify(line.fd, 0)

    def read_by_hand(self, line: Line, most: int) -> None:
        self._read(line, most)

    def close(self) -> None:
        for line in list(self.lines.values()):
            line.close("closed")
            self.remove(line)
        if self._timer:
            self._timer.close()
        self._ready.close()

    async def run(self, is_over: Callable[[int], bool], every_second: Callable[[int, int], None]) -> None:
        """Until it is over; `every_second(second of the plan, now)` when one has passed."""
        traffic = self.traffic
        now = monotonic_ns()
        second = (now - traffic.start) // NANO
        self._next_sweep = now
        while True:
            now = monotonic_ns()
            if now >= self._not_before:
                traffic.due(now)
                self._not_before = now + self._quantum
            if traffic.dirty:
                self.flush()
            if (passed := (now - traffic.start) // NANO) != second:
                if second >= 0:
                    every_second(second, now)
                second = passed
            if now >= self._next_sweep:
                self._sweep(now)
                if is_over(now):
                    return
            if traffic.dirty:
                self.flush()
            await self._wait()

    def _sweep(self, now: int) -> None:
        traffic = self.traffic
        self._next_sweep = now + SWEEP_NS
        traffic.sweep(now)
        sent, self._sent_before = traffic.messages_sent - self._sent_before, traffic.messages_sent
        self._quantum = QUANTUM_NS if sent > DENSE and not self.spin else 0

    async def _wait(self) -> None:
        """Until the next thing is due or a line has something."""
        due = self.traffic.next_due()
        until = self._next_sweep if due is None else min(max(due, self._not_before), self._next_sweep)
        now = monotonic_ns()
        gap = until - now
        if now - self._gave_way > GIVE_WAY_NS:
            self._gave_way = now
            await trio.lowlevel.checkpoint()
        elif gap > NEAR_NS:
            await self._sleep(until)
            self._gave_way = now
        elif gap > 0 and self.spin and gap < SPIN_NS:
            self._look(self._spun(until))
            return
        elif gap > 0:
            if self._timer:
                self._timer.arm(until - SPIN_NS if self.spin else until)
            self._look(self._ready.poll(gap / NANO + 0.001))
            return
        self._look(self._ready.poll(0))

    def _spun(self, until: int) -> list[tuple[int, int]]:
        """Burn what is left, but see what comes."""
        began = monotonic_ns()
        while True:
            found = self._ready.poll(0)
            if found or (now := monotonic_ns()) >= until:
                break
        self.spun_ns += (monotonic_ns() if found else now) - began
        return found

    async def _sleep(self, until: int) -> None:
        if self._timer:
            self._timer.arm(until)
            await trio.lowlevel.wait_readable(self._ready.fileno())
        else:
            with trio.move_on_after(max(until - monotonic_ns(), 0) / NANO):
                await trio.lowlevel.wait_readable(self._ready.fileno())

    def _look(self, found: list[tuple[int, int]]) -> None:
        lines = self.lines
        for fd, happened in found:
            line = lines.get(fd)
            if line is None:
                if self._timer and fd == self._timer.fd:
                    self._timer.read()
                continue
            if happened & ~_PLAIN and line.has_rest:
                is_done = line.flush()
                if is_done and not line.gone.is_set():
                    self._ready.modify(fd, _PLAIN if line.is_read else 0)
            if happened & ~4 and line.is_read:
                self._read(line)
            if line.gone.is_set():
                self.remove(line)
        if self.traffic.dirty:
            self.flush()

    def _read(self, line: Line, most: int | None = None) -> None:
        frames = line.read(most) if most is not None else line.read()
        now = monotonic_ns()  # at the read, before anything is parsed
        lane = self.traffic.lanes[line.index]
        lane.bytes_in += line.bytes_in
        line.bytes_in = 0
        if frames:
            self.traffic.received(lane, frames, now)

    def flush(self) -> None:
        """One send for each line that has something."""
        traffic = self.traffic
        dirty, traffic.dirty = traffic.dirty, set()
        for lane in dirty:
            line = self.by_index.get(lane.index)
            if line is not None and lane.out:
                self._write(line, lane)

    def _write(self, line: Line, lane: Lane) -> None:
        data = lane.out[0] if len(lane.out) == 1 else b"".join(lane.out)
        had_rest = line.has_rest
        if self.split_share and self.draw() < self.split_share:
            half = len(data) // 2
            line.write(data[:half])
            line.write(data[half:])
        else:
            line.write(data)
        self.traffic.wrote(lane, len(data), monotonic_ns())
        if line.gone.is_set():
            self.remove(line)
        elif line.has_rest and not had_rest:
            self._ready.modify(line.fd, _WITH_REST if line.is_read else _WITH_REST & ~_PLAIN)


def connected(host: str, port: int, timeout_s: float) -> socket.socket:
    """A plain connection, made in a thread's time. Raises OSError."""
    sock = socket.create_connection((host, port), timeout=timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def dialled(dial: Callable[[], socket.socket]) -> socket.socket:
    """What a thread has dialled; whoever does not wait for it leaves no socket behind."""
    found: list[socket.socket] = []
    turn, is_left = threading.Lock(), False

    def work() -> None:
        sock = dial()
        with turn:
            if is_left:
                sock.close()
            else:
                found.append(sock)

    try:
        await trio.to_thread.run_sync(work, abandon_on_cancel=True)
    except BaseException:
        with turn:
            is_left = True
            for sock in found:
                sock.close()
        raise
    return found[0]


def trusting(sock: socket.socket, authority: Path, name: str) -> ssl.SSLSocket:
    """The same over TLS in which only the host shows who it is. Raises OSError; the socket is closed then."""
    try:
        return ssl.create_default_context(cafile=authority).wrap_socket(sock, server_hostname=name)
    except BaseException:
        sock.close()
        raise
