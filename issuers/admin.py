"""The admin socket: the counter of a running bank for another process on the same machine.

A private socket `NAME.sock` beside the books. One line of JSON in, `{"do": "freeze", "holder": "…", "card": "…"}`,
one out, `{"ok": …}` or `{"error": slug, "text": words}`. Without `holder` it is the bank that asks. `{"do": "watch"}`
is answered with a line now and one whenever something was recorded. What the words mean is `counter`'s, how the lines
travel `private_socket`'s.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
import trio

from issuers.counter import command
from issuers.host import Host
from issuers.teller import TellerRefusedError
from protocols.runtime.exits import FatalError
from protocols.runtime.private_socket import Line, Say, ask_private, serve_private

ANSWER_WITHIN_S: Final = 10.0

log = structlog.get_logger()


def socket_path(books: Path) -> Path:
    """Beside the books."""
    return books.with_suffix(".sock")


async def serve_admin(host: Host, path: Path, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Answer whoever comes, for ever."""
    await serve_private(path, partial(_answer, host), task_status=task_status)


async def _answer(host: Host, asked: Line | None, say: Say) -> Line:
    try:
        if asked is None or not isinstance(asked.get("do"), str):
            raise TellerRefusedError("request.wrong", "A line is an object with `do`.")
        if asked["do"] == "watch":
            await _watch(host, say)
        return {"ok": await _done(host, asked)}
    except TellerRefusedError as refusal:
        return {"error": refusal.slug, "text": str(refusal)}
    except (ValueError, TypeError):
        return {"error": "request.wrong", "text": "This is not a request that the bank understands."}
    except (FatalError, trio.BrokenResourceError, trio.ClosedResourceError):
        raise
    except Exception as error:  # a mistake of ours must not end the bank
        log.error("an order at the counter failed", exc_info=error)
        return {"error": "switch.error", "text": "The bank had a fault of its own; nothing was changed."}


async def _done(host: Host, asked: Mapping[str, Any]) -> Any:
    arguments = {name: value for name, value in asked.items() if name not in ("do", "holder")}
    result = command(host, asked["do"], asked.get("holder"), arguments)()
    return await result if inspect.isawaitable(result) else result


async def _watch(host: Host, say: Say) -> None:
    while True:
        news = host.news
        await say({"ok": "news"})
        await news.wait()


# The other end


def ask(path: Path, **request: Any) -> Any:
    """One order, for a command line. UnavailableError: the bank does not run; FatalError: it refuses, in its words."""
    told = ask_private(path, request, within_s=ANSWER_WITHIN_S, absent="the bank does not run here")
    if "error" in told:
        raise FatalError(f"{told['error']}: {told['text']}")
    return told["ok"]
