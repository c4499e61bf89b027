"""The admin socket: the counter of a running bank for another process on the same machine.

A Unix socket `NAME.sock` beside the books, for the owner of the process alone (mode 0600 in a folder of 0700). One
line of JSON in, `{"do": "freeze", "holder": "…", "card": "…"}`, one out, `{"ok": …}` or
`{"error": slug, "text": words}`. Without `holder` it is the bank that asks. `{"do": "watch"}` is answered with a
line now and one whenever something was recorded. What the words mean is `counter`'s.
"""

from __future__ import annotations

import inspect
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog
import trio

from issuers.counter import command
from issuers.host import Host
from issuers.teller import TellerRefusedError
from protocols.runtime.exits import FatalError, UnavailableError

LINE_MAX: Final = 64 * 1024
PATH_MAX: Final = 100  # what a socket's address can hold, less a little
ANSWER_WITHIN_S: Final = 10.0

log = structlog.get_logger()


def socket_path(books: Path) -> Path:
    """Beside the books."""
    return books.with_suffix(".sock")


async def serve_admin(host: Host, path: Path, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Answer whoever comes, for ever. What lies at the path is a dead process's: the books' lock says so."""
    listening = trio.socket.from_stdlib_socket(_bound(path))
    try:
        with listening:
            task_status.started()
            async with trio.open_nursery() as nursery:
                while True:
                    connection, _ = await listening.accept()
                    nursery.start_soon(_converse, host, trio.SocketStream(connection))
    finally:
        _remove(path)


def _bound(path: Path) -> socket.socket:
    _remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody else's from its first moment
    try:
        listening.bind(_address(path))
    finally:
        os.umask(before)
    listening.listen()
    return listening


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _address(path: Path) -> str:
    """A long path is reached through a descriptor of its folder, which the process keeps while it lives."""
    if len(os.fsencode(path)) <= PATH_MAX:
        return str(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{path.name}"


async def _converse(host: Host, stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async with stream:
            rest = b""
            while data := await stream.receive_some():
                *lines, rest = (rest + bytes(data)).split(b"\n")
                for line in lines:
                    await _answer(host, stream, line)
                if len(rest) > LINE_MAX:
                    return


async def _answer(host: Host, stream: trio.SocketStream, line: bytes) -> None:
    try:
        asked = json.loads(line)
        if not isinstance(asked, dict) or not isinstance(asked.get("do"), str):
            raise TellerRefusedError("request.wrong", "A line is an object with `do`.")
        if asked["do"] == "watch":
            await _watch(host, stream)
        said: Mapping[str, Any] = {"ok": await _done(host, asked)}
    except TellerRefusedError as refusal:
        said = {"error": refusal.slug, "text": str(refusal)}
    except (ValueError, TypeError):
        said = {"error": "request.wrong", "text": "This is not a request that the bank understands."}
    except FatalError:
        raise
    except Exception as error:  # a mistake of ours must not end the bank
        log.error("an order at the counter failed", exc_info=error)
        said = {"error": "switch.error", "text": "The bank had a fault of its own; nothing was changed."}
    await stream.send_all(json.dumps(said).encode() + b"\n")


async def _done(host: Host, asked: dict[str, Any]) -> Any:
    arguments = {name: value for name, value in asked.items() if name not in ("do", "holder")}
    result = command(host, asked["do"], asked.get("holder"), arguments)()
    return await result if inspect.isawaitable(result) else result


async def _watch(host: Host, stream: trio.SocketStream) -> None:
    while True:
        news = host.news
        await stream.send_all(b'{"ok": "news"}\n')
        await news.wait()


# The other end


def ask(path: Path, **request: Any) -> Any:
    """One order, for a command line. UnavailableError: the bank does not run; FatalError: it refuses, in its words."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_WITHIN_S)
        try:
            connection.connect(_address(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except OSError:
            raise UnavailableError(f"{path}: the bank does not run here") from None
    if not line:
        raise UnavailableError(f"{path}: the bank hung up")
    said = json.loads(line)
    if "error" in said:
        raise FatalError(f"{said['error']}: {said['text']}")
    return said["ok"]
