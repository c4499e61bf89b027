"""Orders to a running switch, from another process on the same machine.

A Unix socket `switch/admin.sock` in the state folder, for the owner of the process alone (0600 in a folder of 0700).
One line of JSON in, `{"do": "key-change", "participant": "nbk", "key": "pin"}`, one out: `{"ok": true}` or
`{"error": "..."}`. What an order sets in motion is the core's; `{"do": "vitals"}` only asks how many tasks and links
live and what waits, for whoever watches over hours that nothing grows.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio

from protocols.codes import known_reason
from protocols.key_change import Use
from protocols.runtime.exits import FatalError, UnavailableError
from switch.home import ORDERS, SWITCH
from switch.saf import StoreAndForward
from switch.shell.clock import now

if TYPE_CHECKING:
    from switch.shell.node import Node

LINE_MAX: Final = 4096
OWED_SHOWN_MAX: Final = 1000  # of `saf-list`; all are counted
WITHIN_S: Final = 20.0  # the longest deadline of a participant, and some
USES: Final = {"pin": Use.PIN, "mac": Use.MAC}

#: What the table of reasons has no words for.
WORDS: Final = {"key.no_zmk": "No zone master key is agreed with this participant (keys.zmk)."}


class _OrderError(Exception):
    """The order cannot be carried out; says why."""


async def serve_orders(node: Node, folder: Path) -> None:
    """Take orders, for ever. What lies at the path is a dead process's: the journal's lock says so."""
    path = folder / ORDERS
    path.unlink(missing_ok=True)
    listening = trio.socket.from_stdlib_socket(_bound(path))
    try:
        with listening:
            async with trio.open_nursery() as nursery:
                while True:
                    connection, _ = await listening.accept()
                    nursery.start_soon(_converse, node, trio.SocketStream(connection))
    finally:
        path.unlink(missing_ok=True)


def _bound(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody else's from its first moment
    try:
        listening.bind(_address(path))
    finally:
        os.umask(before)
    listening.listen()
    return listening


def _address(path: Path) -> str:
    """A socket's address holds about a hundred bytes: a longer path is reached through its folder."""
    if len(os.fsencode(path)) <= 100:
        return str(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{path.name}"


async def _converse(node: Node, stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async with stream:
            line = b""
            while not line.endswith(b"\n") and len(line) < LINE_MAX and (data := await stream.receive_some()):
                line += bytes(data)
            await stream.send_all(json.dumps(await _answer(node, line)).encode() + b"\n")


async def _answer(node: Node, line: bytes) -> Mapping[str, Any]:
    try:
        asked = json.loads(line)
        order = DONE_BY.get(str(asked.get("do"))) if isinstance(asked, dict) else None
        if order is None:
            raise _OrderError("there is no such order")
        told = await order(node, asked)
    except _OrderError as error:
        return {"error": str(error)}
    except ValueError:
        return {"error": "an order is one line of JSON"}
    return {"ok": True if told is None else told}


async def _key_change(node: Node, asked: Mapping[str, Any]) -> None:
    participant = node.core.network.participants.get(str(asked.get("participant")))
    use = USES.get(str(asked.get("key", "pin")))
    if participant is None or use is None:
        raise _OrderError("there is no such participant" if participant is None else "a key is `pin` or `mac`")
    ended, over = [""], trio.Event()

    def told(slug: str) -> None:
        ended[0] = slug
        over.set()

    node.core.keys.begin(participant, use, told, now())
    node.act()
    await over.wait()
    if slug := ended[0]:
        known = known_reason(slug)
        raise _OrderError(f"{slug}: {WORDS.get(slug) or (known.title if known else '')}")


async def _vitals(node: Node, asked: Mapping[str, Any]) -> Mapping[str, int]:
    """Counts, no contents."""
    return {
        "tasks": trio.lowlevel.current_statistics().tasks_living,
        "links": node.link_count,
        "owed": sum(len(issuer.saf) for issuer in node.core.issuers.values()),
    }


async def _saf_list(node: Node, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is owed to whom, entries that are parked among them. Names and numbers, no content."""
    moment = now().elapsed
    owed = [
        {
            "issuer": name,
            "stan": entry.debt.stan,
            "mti": entry.debt.mti,
            "tries": entry.tries,
            "refusals": entry.refusals,
            "parked": entry.parked,
            "owed_s": round(moment - entry.since, 1),
        }
        for name, issuer in node.core.issuers.items()
        for entry in issuer.saf.entries()
    ]
    return {"count": len(owed), "owed": owed[:OWED_SHOWN_MAX]}


async def _saf_retry(node: Node, asked: Mapping[str, Any]) -> None:
    """Send it now: one entry by its STAN, or all that are parked."""
    saf = _saf_of(node, asked)
    stan = str(asked.get("stan") or "")
    stans = [stan] if stan else [entry.debt.stan for entry in saf.entries() if entry.parked]
    if not all(saf.retry(one, now().elapsed) for one in stans):
        raise _OrderError("nothing is owed under this number")
    node.core.tick(now())
    node.act()


async def _saf_park(node: Node, asked: Mapping[str, Any]) -> None:
    """Leave one entry alone until somebody retries it, or the switch starts again."""
    if not _saf_of(node, asked).park(str(asked.get("stan") or "")):
        raise _OrderError("nothing is owed under this number")


def _saf_of(node: Node, asked: Mapping[str, Any]) -> StoreAndForward:
    issuer = node.core.issuers.get(str(asked.get("issuer")))
    if issuer is None:
        raise _OrderError("there is no such issuer")
    return issuer.saf


DONE_BY: Final[Mapping[str, Callable[..., Any]]] = {
    "key-change": _key_change,
    "saf-list": _saf_list,
    "saf-park": _saf_park,
    "saf-retry": _saf_retry,
    "vitals": _vitals,
}


# The other end


def order(state: Path, **asked: str) -> Any:
    """Give an order and wait until it is carried out; what is told. FatalError: it was not, in the switch's words."""
    path = state / SWITCH / ORDERS
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WITHIN_S)
        try:
            connection.connect(_address(path))
            connection.sendall(json.dumps(asked).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except OSError:
            raise UnavailableError(f"{path}: no switch runs here") from None
    said = json.loads(line or b'{"error": "the switch hung up"}')
    if "error" in said:
        raise FatalError(said["error"])
    return said["ok"]
