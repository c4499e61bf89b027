"""Dialling: a link that is there whenever the other side is.

Connect, run the handler until the link ends, wait a little longer each time it fails, for ever. It
keeps out what the link is for: signing on is the handler's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, NoReturn

import structlog
import trio

from protocols.framing import Framing
from protocols.runtime.attend import Handler, attend
from protocols.runtime.log import LogBudget

CONNECT_TIMEOUT_S: Final = 5.0  # longer than a lost SYN sent twice, shorter than the issuer's deadline
BACK_OFF_FIRST_S: Final = 0.1
BACK_OFF_MAX_S: Final = 5.0  # so a bank that comes back is in use within five seconds
STEADY_S: Final = 5.0  # a link that held so long was good: the next wait starts small again

Dial = Callable[[str, int], Awaitable[socket.socket | trio.abc.Stream]]

log = structlog.get_logger()


async def dial_tcp(host: str, port: int) -> socket.socket:
    """A connected socket. Raises OSError."""
    stream = await trio.open_tcp_stream(host, port)
    return socket.socket(fileno=stream.socket.detach())


async def keep_dialled(
    address: tuple[str, int],
    framing: Framing,
    handler: Handler,
    *,
    name: str,
    random: Random,
    dial: Dial = dial_tcp,
) -> NoReturn:
    """Keep a link to `address`, running `handler(link)` on each one, for ever.

    `random` spreads the waits (half to all of 0.1, 0.2 … 5 s), so that a hundred links do not come
    back in the same instant. `dial` is how to connect; tests and the simulation give their own.
    """
    budget = LogBudget()
    back_off_s = BACK_OFF_FIRST_S
    said = ""
    while True:
        began = trio.current_time()
        reason = await _one_link(address, framing, handler, name=name, dial=dial, budget=budget)
        if trio.current_time() - began >= STEADY_S and not reason.startswith(NOT_CONNECTED):
            back_off_s, said = BACK_OFF_FIRST_S, ""
        if reason != said:  # one line a change, not one a try
            log.warning("link down", link=name, reason=reason)
            said = reason
        await trio.sleep(back_off_s * random.uniform(0.5, 1.0))
        back_off_s = min(back_off_s * 2, BACK_OFF_MAX_S)


NOT_CONNECTED: Final = "cannot connect"


async def _one_link(
    address: tuple[str, int], framing: Framing, handler: Handler, *, name: str, dial: Dial, budget: LogBudget
) -> str:
    """One try: why it did not connect, or why the link closed in the end."""
    host, port = address
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S):
            connection = await dial(host, port)
    except trio.TooSlowError:
        return f"{NOT_CONNECTED} to {host}:{port} within {CONNECT_TIMEOUT_S:g} s"
    except OSError as error:
        return f"{NOT_CONNECTED} to {host}:{port}: {_why(error)}"
    return await attend(connection, framing, handler, name=name, budget=budget)


def _why(error: BaseException) -> str:
    """What the system said. Trio wraps it, one for each address tried; the last one says enough."""
    inner = error.exceptions[-1] if isinstance(error, BaseExceptionGroup) else error.__cause__
    if inner is not None:
        return _why(inner)
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else str(error)
