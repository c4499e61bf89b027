"""A private socket: lines of JSON between a running party and another process of its owner on the same machine.

A Unix socket in the party's state folder, for the owner of the process alone (0600 in a folder of 0700). One object a
line in, one a line out, in turn; a conversation may be told more in between (`say`). What lies at the path when a party
starts is a dead process's: the lock on its books says so. What is asked and what it means is the party's own.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import trio

from protocols.runtime.exits import UnavailableError

LINE_MAX: Final = 64 * 1024  # more without an end of line is not an order
PATH_MAX: Final = 100  # bytes that a socket's address can hold, less a little

Line = Mapping[str, Any]
Say = Callable[[Line], Awaitable[None]]

#: What was asked, or None where the line is not an object; and a way to say something before the answer.
Answer = Callable[[Line | None, Say], Awaitable[Line]]


async def serve_private(
    path: Path, answer: Answer, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Answer whoever comes, for ever; the socket is gone afterwards. What `answer` raises ends the party."""
    listening = trio.socket.from_stdlib_socket(_bound(path))
    try:
        with listening:
            task_status.started()
            async with trio.open_nursery() as nursery:
                while True:
                    connection, _ = await listening.accept()
                    nursery.start_soon(_converse, answer, trio.SocketStream(connection))
    finally:
        _remove(path)


def ask_private(path: Path, asked: Line, *, within_s: float, absent: str) -> Line:
    """Ask and wait for the answer. UnavailableError, with `absent` for its words: nobody listens, or it hung up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(within_s)
        try:
            with _address(path) as address:
                connection.connect(address)
            connection.sendall(_line(asked))
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except OSError:
            raise UnavailableError(f"{path}: {absent}") from None
    if not line:
        raise UnavailableError(f"{path}: it hung up")
    told: Line = json.loads(line)
    return told


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _bound(path: Path) -> socket.socket:
    _remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody else's from its first moment
    try:
        with _address(path) as address:
            listening.bind(address)
        listening.listen()
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """A path too long for an address is reached through a descriptor of its folder."""
    if len(os.fsencode(path)) <= PATH_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def _converse(answer: Answer, stream: trio.SocketStream) -> None:
    async def say(told: Line) -> None:
        await stream.send_all(_line(told))

    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async with stream:
            rest = b""
            while len(rest) <= LINE_MAX and (data := await stream.receive_some()):
                *lines, rest = (rest + bytes(data)).split(b"\n")
                for line in lines:
                    await say(await answer(_read(line), say))


def _read(line: bytes) -> Line | None:
    """
    >>> _read(b'{"do": "vitals"}'), _read(b'["vitals"]'), _read(b"[" * 10_000)
    ({'do': 'vitals'}, None, None)
    """
    with suppress(ValueError, RecursionError):
        asked = json.loads(line)
        return asked if isinstance(asked, dict) else None
    return None


def _line(told: Line) -> bytes:
    return json.dumps(told).encode() + b"\n"
