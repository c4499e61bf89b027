"""A party's process: how it starts, how it is told to stop, and with what code it ends.

A party is one function, `main(stop)`: it works until `stop` is set, puts everything in its place and
returns its exit code. Signals, the last-resort handler, core dumps and descriptor limits are here, once
for all parties. It keeps out what a party does.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog
import trio

from protocols.runtime.exits import (
    DONE,
    FAILED,
    ConfigurationError,
    DamagedStateError,
    FatalError,
    UnavailableError,
    fatal_in,
)
from protocols.runtime.log import set_up_logging

__all__ = [
    "ConfigurationError",
    "DamagedStateError",
    "FatalError",
    "Main",
    "UnavailableError",
    "announce",
    "exit_code_after",
    "run",
]

Main = Callable[[trio.Event], Awaitable[int | None]]

INTERRUPTED: Final = 130  # what a shell expects after the second Ctrl-C
THREADS_END_S: Final = 0.5  # a failed disk must end the process within a second

log = structlog.get_logger()


def run(name: str, main: Main, *, log_level: str = "INFO") -> int:
    """Run a party to its end and return the exit code: `sys.exit(run("nbk", main))`.

    The first SIGTERM or SIGINT sets `stop`; the second does not wait for the party to finish.
    """
    set_up_logging(log_level)
    structlog.contextvars.bind_contextvars(party=name)
    limit_resources()
    code = _run(main)
    _leave_stuck_threads(code)
    return code


def _run(main: Main) -> int:
    try:
        return trio.run(_with_signals, main)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Exception, BaseExceptionGroup) as error:
        return exit_code_after(error)


def _leave_stuck_threads(code: int) -> None:
    """Python waits for its threads; a thread that waits for a dead disk must not keep an ended process alive."""
    deadline = time.monotonic() + THREADS_END_S
    for thread in threading.enumerate():
        if thread is threading.current_thread() or thread.daemon:
            continue
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.error("a thread does not end, the process does", thread=thread.name, exit_code=code)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def exit_code_after(error: BaseException) -> int:
    """The last resort: say why the process ends, and with which code. Never goes on."""
    fatal = fatal_in(error)
    if fatal is None:
        log.critical("unexpected error, the process ends", exc_info=error)
        return FAILED
    log.critical("the process ends", reason=str(fatal), exit_code=fatal.exit_code)
    return fatal.exit_code


async def _with_signals(main: Main) -> int:
    stop = trio.Event()
    code: int | None = FAILED  # if the second signal ends it
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_listen_for_signals, signals, stop, nursery.cancel_scope)
            code = await main(stop)
            nursery.cancel_scope.cancel()
    return DONE if code is None else code


async def _listen_for_signals(signals: AsyncIterator[int], stop: trio.Event, everything: trio.CancelScope) -> None:
    async for number in signals:
        if stop.is_set():
            log.warning("stopping without finishing", signal=signal.Signals(number).name)
            everything.cancel()
            return
        log.info("stopping", signal=signal.Signals(number).name)
        stop.set()


def limit_resources() -> None:
    """No core dumps, for memory holds keys and card numbers; as many descriptors as we may have."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def announce(word: str, name: str, address: str = "") -> None:
    """One line on standard output for whoever started us: `listening nbk 127.0.0.1:8601`, `ready nbk`."""
    sys.stdout.write(" ".join(filter(None, (word, name, address))) + "\n")
    sys.stdout.flush()
