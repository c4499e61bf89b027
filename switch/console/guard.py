"""Around every page: who may ask at all, headers that tell the browser to trust nothing but us, and failing pages.

Plain ASGI, so that a stream passes through unbuffered. A page that fails is logged and takes nothing with it: the
switch goes on.
"""

from __future__ import annotations

from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protocols.runtime.exits import fatal_in
from switch.console.forms import is_from_elsewhere

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with none at all a browser would call our own forms' origin "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
KEPT_BY_BROWSERS: Final = "public, max-age=3600"  # stylesheet and script
KEPT_BY_NOBODY: Final = "no-store"

log = structlog.get_logger()


class Guard:
    """The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None  # no page of ours speaks anything else

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                is_kept = scope["path"].startswith("/static/") and message["status"] == 200
                headers["cache-control"] = KEPT_BY_BROWSERS if is_kept else KEPT_BY_NOBODY
            await send(message)

        if is_from_elsewhere(Headers(scope=scope), scope["method"]):
            return await PlainTextResponse("not from another page\n", 403)(scope, receive, guarded)
        try:
            await self._app(scope, receive, guarded)
        except Exception as error:
            if fatal_in(error) is not None:
                raise
            log.error("a page of the console failed", route=scope["path"].split("/")[1], error=type(error).__name__)
        return None
