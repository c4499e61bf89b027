"""Orders to a running switch, from another process on the same machine.

A private socket `switch/admin.sock` in the state folder. One line of JSON in, `{"do": "key-change", "participant":
"nbk", "key": "pin"}`, one out: `{"ok": true}` or `{"error": "..."}`. What an order sets in motion is the core's;
`{"do": "vitals"}` only asks how many tasks and links live and what waits, for whoever watches over hours that nothing
grows. How the lines travel is `private_socket`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio

from protocols.codes import known_reason
from protocols.key_change import Use
from protocols.runtime.exits import FatalError
from protocols.runtime.private_socket import Line, Say, ask_private, serve_private
from switch.boarding import BoardingError
from switch.home import ORDERS, SWITCH
from switch.shell import merchant_orders
from switch.shell.clock import now

if TYPE_CHECKING:
    from switch.ends import IssuerEnd
    from switch.shell.node import Node

OWED_SHOWN_MAX: Final = 1000  # of `saf-list`; all are counted
WITHIN_S: Final = 20.0  # the longest deadline of a participant, and some
USES: Final = {"pin": Use.PIN, "mac": Use.MAC}

#: What the table of reasons has no words for.
WORDS: Final = {"key.no_zmk": "No zone master key is agreed with this participant (keys.zmk)."}


class _OrderError(Exception):
    """The order cannot be carried out; says why."""


async def serve_orders(node: Node, folder: Path) -> None:
    """Take orders, for ever."""
    await serve_private(folder / ORDERS, partial(answer, node))


async def answer(node: Node, asked: Line | None, say: Say | None = None) -> Line:
    """Carry an order out; what is told. Nothing is said before."""
    if asked is None:
        return {"error": "an order is one line of JSON"}
    order = DONE_BY.get(str(asked.get("do")))
    if order is None:
        return {"error": "there is no such order"}
    try:
        told = await order(node, asked)
    except _OrderError as error:
        return {"error": str(error)}
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
    issuer = _issuer_of(node, asked)
    stan = str(asked.get("stan") or "")
    stans = [stan] if stan else [entry.debt.stan for entry in issuer.saf.entries() if entry.parked]
    if not all(node.core.retry(issuer, one, now()) for one in stans):
        raise _OrderError("nothing is owed under this number")
    node.core.tick(now())
    node.act()


async def _saf_park(node: Node, asked: Mapping[str, Any]) -> None:
    """Leave one entry alone until somebody retries it, also when the switch starts again."""
    if not node.core.park(_issuer_of(node, asked), str(asked.get("stan") or ""), now()):
        raise _OrderError("nothing is owed under this number")
    node.act()


def _issuer_of(node: Node, asked: Mapping[str, Any]) -> IssuerEnd:
    issuer = node.core.issuers.get(str(asked.get("issuer")))
    if issuer is None:
        raise _OrderError("there is no such issuer")
    return issuer


async def _merchants(node: Node, asked: Mapping[str, Any]) -> object:
    """What is asked or ordered about an acquirer's merchants."""
    try:
        return MERCHANTS[str(asked["do"])](node, asked)
    except BoardingError as error:
        raise _OrderError(str(error)) from None


MERCHANTS: Final[Mapping[str, Callable[[Node, Mapping[str, Any]], object]]] = {
    "merchant-board": merchant_orders.board,
    "merchant-close": merchant_orders.close,
    "merchant-list": merchant_orders.list_merchants,
}

DONE_BY: Final[Mapping[str, Callable[..., Any]]] = {
    "key-change": _key_change,
    **dict.fromkeys(MERCHANTS, _merchants),
    "saf-list": _saf_list,
    "saf-park": _saf_park,
    "saf-retry": _saf_retry,
    "vitals": _vitals,
}


# The other end


def order(state: Path, **asked: object) -> Any:
    """Give an order and wait until it is carried out; what is told. FatalError: it was not, in the switch's words."""
    told = ask_private(state / SWITCH / ORDERS, asked, within_s=WITHIN_S, absent="no switch runs here")
    if "error" in told:
        raise FatalError(told["error"])
    return told["ok"]
