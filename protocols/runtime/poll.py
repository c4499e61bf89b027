"""One task that reads for many links: an epoll descriptor of our own, inside Trio's.

An epoll descriptor can itself be waited for: it is readable when any socket registered in it is. So Trio wakes
up once for everything that has come in, and not once for every connection: with many busy connections that is
the difference between sixteen frames a wake-up and a thousand. Links that are no plain sockets (TLS, tests)
and systems without epoll read for themselves (`Link.receive`); what a link makes of what it reads is the same.

It keeps out what frames mean, and writing: a link writes at once and by itself.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final

import trio

from protocols.runtime.link import FRAME_TIMEOUT_S, SocketLink

READY_MAX: Final = 1024  # sockets a wake-up; the others are still ready at the next
CHECK_S: Final = 0.5  # how often frames that never become whole are looked for

Take = Callable[[list[bytes]], None]


def is_possible() -> bool:
    """Whether this system has epoll."""
    return hasattr(select, "epoll")


class _Reader:
    """A link that we read for."""

    __slots__ = ("_take", "ended", "inside_since", "is_slow", "link", "paused")

    def __init__(self, link: SocketLink, take: Take) -> None:
        self.link = link
        self._take = take
        self.ended = trio.Event()
        self.is_slow = False
        self.paused = False
        self.inside_since: float | None = None  # how long the beginning of a frame has been there without its end

    def take(self, frames: list[bytes]) -> None:
        """Whole frames: what is left of the read is the beginning of another."""
        self.inside_since = None
        self._take(frames)


class Poll:
    """The descriptor, and who is read for.

    `after` is called at the end of every wake-up, when all frames of all links have been handed on.
    """

    def __init__(self, after: Callable[[], None]) -> None:
        self._after = after
        self._epoll = select.epoll()
        self._readers: dict[int, _Reader] = {}

    async def run(self) -> None:
        """Read for everybody, until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_time)
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    self._wake_up()
        finally:
            trio.lowlevel.notify_closing(self._epoll.fileno())
            self._epoll.close()

    async def read(self, link: SocketLink, take: Take) -> None:
        """Read for this link until its peer ends it or it is closed. Raises what `Link.receive` raises."""
        number = link.fileno
        if number < 0:
            return
        reader = self._readers[number] = _Reader(link, take)
        self._epoll.register(number, select.EPOLLIN)
        link.on_close = lambda: self._forget(number, reader)
        try:
            await reader.ended.wait()
        finally:
            link.on_close = None
            self._forget(number, reader)
        if reader.is_slow:
            raise link.too_slow()
        link.leave()

    def pause(self, link: SocketLink) -> None:
        """Read no more for this link until `go_on`: TCP makes its peer wait."""
        reader = self._readers.get(link.fileno)
        if reader is not None and not reader.paused:
            reader.paused = True
            reader.inside_since = None
            self._epoll.modify(link.fileno, 0)

    def go_on(self, link: SocketLink) -> None:
        """Read again for a link that had enough."""
        reader = self._readers.get(link.fileno)
        if reader is not None and reader.paused:
            reader.paused = False
            self._epoll.modify(link.fileno, select.EPOLLIN)

    def _wake_up(self) -> None:
        """One read from every socket that has something, then whatever follows from all of it."""
        readers = self._readers
        for number, _ in self._epoll.poll(0, READY_MAX):
            reader = readers.get(number)
            if reader is not None and not reader.ended.is_set():
                self._read(reader)
        self._after()

    def _read(self, reader: _Reader) -> None:
        """What was whole before an end or a break is answered first: who waits in `read` comes after this wake-up."""
        link = reader.link
        if not link.read_now(reader.take) or link.is_broken:
            reader.ended.set()
        elif link.is_inside_a_frame:
            reader.inside_since = reader.inside_since or trio.current_time()
        else:
            reader.inside_since = None

    async def _keep_time(self) -> None:
        """A frame that is not whole in time ends its link."""
        while True:
            await trio.sleep(CHECK_S)
            latest = trio.current_time() - FRAME_TIMEOUT_S
            for reader in list(self._readers.values()):
                if reader.inside_since is not None and reader.inside_since < latest:
                    reader.is_slow = True
                    reader.ended.set()

    def _forget(self, number: int, reader: _Reader) -> None:
        """The link is closed, or nobody waits for what it says any more. Its number may be another link's already."""
        if self._readers.get(number) is reader:
            del self._readers[number]
            self._epoll.unregister(number)
            reader.ended.set()
