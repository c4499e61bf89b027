"""Attending to a link: from connection to close, whatever its handler does.

Listener and dialler share it. A handler's mistake ends its own link and nobody else's; only an error
that ends the process (exits.FatalError) goes through.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import structlog
import trio

from protocols.errors import RemoteProtocolError
from protocols.framing import Framing
from protocols.runtime.exits import fatal_in
from protocols.runtime.link import Link, link_over
from protocols.runtime.log import LogBudget

Handler = Callable[[Link], Awaitable[object]]

log = structlog.get_logger()


async def attend(
    connection: socket.socket | trio.abc.Stream, framing: Framing, handler: Handler, *, name: str, budget: LogBudget
) -> str:
    """Run the handler on a new link until it returns, then close. Returns why the link closed."""
    async with trio.open_nursery() as flushers:
        link = link_over(connection, framing, flushers, name=name)
        try:
            await handler(link)
        except Exception as error:
            if fatal_in(error) is not None:
                raise
            _report(link, error, budget)
        finally:
            await link.aclose()
    return link.close_reason or "closed"


def _report(link: Link, error: Exception, budget: LogBudget) -> None:
    """Close the link and say why, within the peer's budget of lines."""
    broken = _peer_fault(error)
    reason = broken.reason if broken else "its handler failed"
    link.abort(reason)
    left_out = budget.spend((link.name.rpartition(":")[0], reason), trio.current_time())
    if left_out is None:
        return
    if broken:
        log.warning("link closed", link=link.name, reason=link.close_reason, left_out=left_out)
    else:
        log.error("link closed", link=link.name, reason=link.close_reason, left_out=left_out, exc_info=error)


def _peer_fault(error: BaseException) -> RemoteProtocolError | None:
    """The peer's fault, if nothing else went wrong, however many nurseries wrapped it."""
    if isinstance(error, RemoteProtocolError):
        return error
    if isinstance(error, BaseExceptionGroup):
        faults = [_peer_fault(inner) for inner in error.exceptions]
        return None if None in faults else faults[0]
    return None
