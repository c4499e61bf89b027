"""Pages that follow the switch: a stream of server-sent events, each the piece of the page as it now is.

One look a second and stream, and nothing is sent where nothing has changed; nobody who looks slows a payment down by
more than that. A stream does not keep a session alive, and ends with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Final

import trio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from switch.console import pages
from switch.console.sessions import STREAMS_MAX, Session
from switch.console.site import Site, site_of

BETWEEN_LOOKS_S: Final = 1.0
PING_S: Final = 20
STATUS_GONE: Final = 403

#: The pages that follow, by name: the piece of the page, and what it shows.
PIECES: Final[dict[str, tuple[str, Callable[..., dict[str, Any]]]]] = {
    "home": ("_overview.html", pages.overview),
    "transactions": ("_lines.html", pages.listed),
}
FILTERS: Final = {"_lines.html": ("outcome", "words")}


async def live(request: Request) -> Response:
    """The stream of one page."""
    site = site_of(request)
    session = site.session(request, touch=False)
    if session is None:
        raise HTTPException(STATUS_GONE)
    piece = PIECES.get(request.path_params["page"])
    if piece is None:
        raise HTTPException(404)
    if session.streams >= STREAMS_MAX:
        raise HTTPException(429)
    template, look = piece
    asked = {name: pages.looked_for(request.query_params.get(name, "")) for name in FILTERS.get(template, ())}
    shown = partial(look, site, **asked)
    return EventSourceResponse(_changes(site, session, lambda: site.fragment(template, **shown())), ping=PING_S)


async def _changes(site: Site, session: Session, look: Callable[[], str]) -> AsyncIterator[ServerSentEvent]:
    """What is shown whenever it has changed. The first is what it is now: the page may be older than the stream."""
    session.streams += 1
    sent = ""
    try:
        while session.is_alive(site.now()) and not site.closing.is_set():
            shown = look()
            if shown != sent:
                sent = shown
                yield ServerSentEvent(shown)
            await trio.sleep(BETWEEN_LOOKS_S)
    finally:
        session.streams -= 1
