"""Around every page: headers that tell the browser to trust nothing but us, and what happens when a page fails.

Plain ASGI, so that a stream passes through unbuffered. A page that fails is logged and does not take the bank's
host with it; where the books themselves have failed, the host is told, because nobody may go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protocols.runtime.exits import FatalError, fatal_in


def policy(*elsewhere: str) -> str:
    """What a browser may load and where its forms may lead: to us, and to these origins."""
    forms = " ".join(("'self'", *elsewhere))
    return f"default-src 'self'; object-src 'none'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"


POLICY: Final = "content-security-policy"
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
KEPT_BY_BROWSERS: Final = "public, max-age=3600"  # what is not anybody's: stylesheet and script
KEPT_BY_NOBODY: Final = "no-store"

log = structlog.get_logger()


class Guard:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, on_fatal: Callable[[FatalError], None]) -> None:
        self._app = app
        self._on_fatal = on_fatal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        is_static = scope["path"].startswith("/static/")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault(POLICY, policy())
                headers["cache-control"] = (
                    KEPT_BY_BROWSERS if is_static and message["status"] == 200 else KEPT_BY_NOBODY
                )
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except (Exception, BaseExceptionGroup) as error:
            fatal = fatal_in(error)
            if fatal is not None:
                self._on_fatal(fatal)
            elif isinstance(error, Exception):
                log.error(
                    "a page of online banking failed", path=scope["path"].partition("/payments/")[0], exc_info=error
                )
            else:
                raise  # somebody's cancellation
        return None
