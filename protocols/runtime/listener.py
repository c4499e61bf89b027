"""Listening: one task per connection, and a bound on how many.

Connections beyond the bound are closed at once, before the process runs out of descriptors and cannot
even say so. It keeps out what is said on a link (the handler's) and who may say it (the session's).
"""

from __future__ import annotations

import errno
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, Final, NoReturn, Protocol

import structlog
import trio

from protocols.framing import Framing
from protocols.runtime.attend import Handler, attend
from protocols.runtime.exits import UnavailableError
from protocols.runtime.log import LogBudget
from protocols.runtime.tls import Credentials, HandshakeError, accept_tls

LINKS_MAX: Final = 12_288  # more than twice the widest load test (5 000); one that is silent takes some ten KiB
LINKS_PER_HOST_MAX: Final = 6144  # a gateway behind one address may be wide, but not all there is
ACCEPTS_PER_WAKE_UP: Final = 64  # then the links already open have their turn
BACKLOG: Final = 1024  # connections that come while we are busy wait here, in the kernel
DESCRIPTORS_SPENT_WAIT_S: Final = 0.1  # somebody must close something first

OUT_OF_DESCRIPTORS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

log = structlog.get_logger()

Guest = tuple[Framing, Handler]  # how somebody's frames are cut, and what attends to them


class NotWelcomeError(Exception):
    """Whom the certificate names has no business at this port. The text says why."""


class Entrance(Protocol):
    """What happens to a connection once it is inside, from its first byte until it is closed."""

    async def __call__(self, sock: socket.socket, *, name: str, budget: LogBudget) -> object: ...


async def serve_links(host: str, port: int, framing: Framing, handler: Handler, **how: Any) -> NoReturn:
    """Accept plain connections for ever, a task with `handler(link)` for each. `how`: see `serve`."""
    await serve(host, port, PlainEntrance(framing, handler), **how)


async def serve(
    host: str,
    port: int,
    entrance: Entrance,
    *,
    nursery: trio.Nursery | None = None,
    links: int = LINKS_MAX,
    links_per_host: int = LINKS_PER_HOST_MAX,
    reuse_port: bool = False,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> NoReturn:
    """Accept for ever, a task in the entrance for each; reports the bound port when it listens.

    With a nursery of the caller's the links outlive this task: cancel it to stop accepting, and let
    what is in flight be answered. Raises UnavailableError when it cannot listen there.
    """
    with await listening_socket(host, port, reuse_port=reuse_port) as listener:
        async with trio.open_nursery() if nursery is None else nullcontext(nursery) as attendants:
            door = _Door(entrance, attendants, links, links_per_host)
            task_status.started(listener.getsockname()[1])
            while True:
                await trio.lowlevel.wait_readable(listener)
                if not door.admit_from(listener):
                    await trio.sleep(DESCRIPTORS_SPENT_WAIT_S)


class PlainEntrance:
    """Whoever comes is attended to."""

    def __init__(self, framing: Framing, handler: Handler) -> None:
        self._framing = framing
        self._handler = handler

    async def __call__(self, sock: socket.socket, *, name: str, budget: LogBudget) -> None:
        await attend(sock, self._framing, self._handler, name=name, budget=budget)


class TlsEntrance:
    """Whoever comes shows a certificate, and is attended to as befits whom it names.

    `guest` gives the framing and the handler for that name, or raises NotWelcomeError. A refusal is one line in
    the log, at most one a second for each host and reason, and is counted in `refusals`.
    """

    def __init__(
        self, credentials: Credentials, guest: Callable[[str], Guest], refusals: Counter[str] | None = None
    ) -> None:
        self._credentials = credentials
        self._guest = guest
        self.refusals: Counter[str] = Counter() if refusals is None else refusals

    async def __call__(self, sock: socket.socket, *, name: str, budget: LogBudget) -> None:
        try:
            stream, who = await accept_tls(sock, self._credentials)
        except HandshakeError as error:
            self._refused(name, error.reason, budget)
            return
        try:
            framing, handler = self._guest(who)
        except NotWelcomeError as error:
            await trio.aclose_forcefully(stream)
            self._refused(name, str(error), budget)
            return
        await attend(stream, framing, handler, name=name, budget=budget)

    def _refused(self, name: str, reason: str, budget: LogBudget) -> None:
        self.refusals[reason] += 1
        host = name.rpartition(":")[0]
        left_out = budget.spend((host, reason), trio.current_time())
        if left_out is not None:
            log.warning("TLS refused", link=name, reason=reason, left_out=left_out, so_far=self.refusals[reason])


async def listening_socket(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """A non-blocking socket that listens there. `reuse_port` lets several workers share the port."""
    try:
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        return _bound(socket.socket(family, kind, protocol), address, reuse_port)
    except OSError as error:
        raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def _bound(sock: socket.socket, address: Any, reuse_port: bool) -> socket.socket:
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class _Door:
    """Who is inside, and whether one more may come in."""

    def __init__(self, entrance: Entrance, attendants: trio.Nursery, links: int, links_per_host: int) -> None:
        self._entrance = entrance
        self._attendants = attendants
        self._links = links
        self._links_per_host = links_per_host
        self._inside: Counter[str] = Counter()
        self._budget = LogBudget()

    def admit_from(self, listener: socket.socket) -> bool:
        """Take in who knocks. False when there are no descriptors left."""
        try:
            for sock, (host, port, *_) in accepted(listener):
                self._admit(sock, host, port)
        except OSError as error:
            if error.errno not in OUT_OF_DESCRIPTORS:
                raise
            self._complain("", f"cannot accept: {error.strerror}")
            return False
        return True

    def _admit(self, sock: socket.socket, host: str, port: int) -> None:
        if refusal := self._refusal(host):
            sock.close()
            self._complain(host, refusal)
            return
        self._inside[host] += 1
        self._attendants.start_soon(self._attend, sock, host, port, name=f"link {host}:{port}")

    def _refusal(self, host: str) -> str | None:
        if self._inside.total() >= self._links:
            return f"more than {self._links} links"
        if self._inside[host] >= self._links_per_host:
            return f"more than {self._links_per_host} links from one host"
        return None

    async def _attend(self, sock: socket.socket, host: str, port: int) -> None:
        try:
            await self._entrance(sock, name=f"{host}:{port}", budget=self._budget)
        finally:
            self._inside[host] -= 1
            if not self._inside[host]:
                del self._inside[host]

    def _complain(self, host: str, reason: str) -> None:
        left_out = self._budget.spend((host, reason), trio.current_time())
        if left_out is not None:
            log.warning("connection refused", host=host, reason=reason, left_out=left_out)


def accepted(listener: socket.socket) -> Iterator[tuple[socket.socket, tuple[Any, ...]]]:
    """The connections that wait, a bounded number of them."""
    for _ in range(ACCEPTS_PER_WAKE_UP):
        try:
            yield listener.accept()
        except BlockingIOError:
            return
        except ConnectionAbortedError:
            continue  # it knocked and left
