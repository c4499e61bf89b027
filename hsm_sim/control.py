"""The control port: how a test tells the HSM what to do wrong, while it runs.

JSON lines over TCP, on this machine only: a line in, a line out. `{"do": "set", "command": "CC",
"fault": "error", "code": "39", "rate": 0.1}` switches a fault on; `clear`, `show`, `tamper`,
`restore`, `authorise` and `figures` are the other words. It tells counts and faults, never a field of a request.
A connection whose line is no JSON object is closed: a browser that was sent here gets no second line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import structlog
import trio

from hsm_sim.desk import Desk
from hsm_sim.faults import UnfitFaultError, fault_from
from hsm_sim.settings import CONTROL_HOST

LINE_MAX: Final = 4096
CAUSE: Final = "4"  # the case was opened; a digit is all that JK has for it

log = structlog.get_logger()

Word = Callable[[Desk, Mapping[str, Any]], dict[str, object]]


async def serve_control(
    desk: Desk, port: int, changed: Callable[[], None], *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
) -> None:
    """Take orders until cancelled; reports the bound port. `changed` is called after each that was carried out."""

    async def attend(stream: trio.SocketStream) -> None:
        async with stream:
            await _converse(desk, stream, changed)

    listeners = await trio.open_tcp_listeners(port, host=CONTROL_HOST)
    task_status.started(listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(attend, listeners)


async def _converse(desk: Desk, stream: trio.SocketStream, changed: Callable[[], None]) -> None:
    waiting = b""
    try:
        while len(waiting) <= LINE_MAX and (data := await stream.receive_some()):
            *lines, waiting = (waiting + bytes(data)).split(b"\n")
            for line in lines:
                told = carried_out(desk, line)
                await stream.send_all(json.dumps(told).encode() + b"\n")
                if "what" in told:
                    return
                changed()
    except trio.BrokenResourceError:
        pass  # it left


def carried_out(desk: Desk, line: bytes) -> dict[str, object]:
    """What one line came to: `{"ok": true, …}`, `{"ok": false, "why": …}`, or `{"what": …}` where it is no order."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return {"what": "not JSON"}
    if not isinstance(asked, dict):
        return {"what": "not an object"}
    word = WORDS.get(str(asked.get("do")))
    if word is None:
        return {"ok": False, "why": f"do is one of {', '.join(WORDS)}"}
    try:
        return {"ok": True, **word(desk, asked)}
    except UnfitFaultError as unfit:
        return {"ok": False, "why": str(unfit)}


def _set(desk: Desk, asked: Mapping[str, Any]) -> dict[str, object]:
    fault = fault_from(asked)
    desk.faults.set(fault)
    log.warning("fault switched on", **fault.told())
    return {"fault": fault.told()}


def _clear(desk: Desk, asked: Mapping[str, Any]) -> dict[str, object]:
    command = asked.get("command")
    if command is not None and not isinstance(command, str):
        raise UnfitFaultError("command is two letters or digits, or * for those that stand for all")
    cleared = desk.faults.clear(command.upper() if command else None)
    log.warning("faults switched off", command=command or "all of them", count=cleared)
    return {"cleared": cleared}


def _show(desk: Desk, asked: Mapping[str, Any]) -> dict[str, object]:
    return {
        "faults": [fault.told() for fault in desk.faults],
        "struck": {f"{command} {kind}": count for (command, kind), count in sorted(desk.faults.struck.items())},
        "tampered": desk.figures.tampered is not None,
        "fraud": desk.figures.suspects_fraud,
        "pin_attack": desk.figures.suspects_attack,
    }


def _tamper(desk: Desk, asked: Mapping[str, Any]) -> dict[str, object]:
    cause = asked.get("cause", CAUSE)
    if not (isinstance(cause, str) and len(cause) <= 2 and cause.isascii() and cause.isdigit()):
        raise UnfitFaultError("cause is one or two digits")
    desk.figures.tamper(f"{cause:0>2}")
    log.warning("tampered with on purpose: no LMK is there", cause=cause)
    return {"tampered": True}


def _restore(desk: Desk, asked: Mapping[str, Any]) -> dict[str, object]:
    """Everything as it should be: no tampering, no suspicion, no fault."""
    desk.figures.clear_tamper()
    desk.figures.clear_fraud()
    cleared = desk.faults.clear()
    log.warning("restored: no fault, not tampered with, no suspicion", cleared=cleared)
    return {"cleared": cleared, "tampered": False}


def _authorise(desk: Desk, asked: Mapping[str, Any]) -> dict[str, object]:
    """As keys and passwords at a console would: an LMK's authorised state, on or off."""
    lmk_id, on = asked.get("lmk", desk.settings.default_lmk), asked.get("on", True)
    ring = desk.store.ring(lmk_id) if isinstance(lmk_id, str) else None
    if ring is None or not isinstance(on, bool):
        raise UnfitFaultError("lmk is the id of one that is loaded, on is true or false")
    ring.lmk = replace(ring.lmk, authorised=on)
    log.warning("authorised state", lmk=ring.lmk.id, on=on)
    return {"lmk": ring.lmk.id, "authorised": on}


def _figures(desk: Desk, asked: Mapping[str, Any]) -> dict[str, object]:
    figures = desk.figures
    return {
        "answers": {f"{command} {error}": count for (command, error), count in sorted(figures.counts.items())},
        "connections": len(figures.connections),
        "bytes_received": figures.traffic.bytes_received,
        "bytes_sent": figures.traffic.bytes_sent,
        "reboots": figures.reboots,
        "tampers": figures.tampers,
        "since": figures.began.isoformat(),
    }


#: What may be asked for.
WORDS: Final[Mapping[str, Word]] = {
    "set": _set,
    "clear": _clear,
    "show": _show,
    "tamper": _tamper,
    "restore": _restore,
    "authorise": _authorise,
    "figures": _figures,
}
