"""Pages that follow the books: a stream of server-sent events, each a piece of the page as it now is.

The bank tells that something was recorded, not what; so each stream looks again, as its holder, and sends what has
changed for them. At most a few looks a second, however busy the bank. A stream does not keep a session alive, and
ends with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

import trio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from issuers.banking import pages
from issuers.banking.language import Language
from issuers.banking.pages import Shown, site_of
from issuers.banking.sessions import Session
from issuers.banking.site import Site, language_of

STREAMS_PER_SESSION: Final = 6  # what a browser opens to one address anyway
BETWEEN_LOOKS_S: Final = 0.25
SESSION_LOOKED_AT_S: Final = 30.0  # whether it has ended
PING_S: Final = 20

Look = Callable[[Site, Session, Language], Shown]

#: The pages that follow, by name: the piece of the page, and what it shows.
PIECES: Final[dict[str, tuple[str, Callable[..., Shown]]]] = {
    "home": ("_overview.html", pages.overview),
    "statement": ("_payments.html", pages.statement_of),
    "account": ("_account.html", pages.one_account),
    "card": ("_card.html", pages.one_card),
    "inbox": ("_inbox.html", pages.inbox_of),
}


async def live(request: Request) -> Response:
    """The stream of one page; `of` says which account or card."""
    site = site_of(request)
    session = site.session(request, touch=False)
    piece = PIECES.get(request.path_params["page"])
    if session is None or piece is None:
        raise HTTPException(404)
    if session.streams >= STREAMS_PER_SESSION:
        raise HTTPException(429)
    template, look = piece
    of = request.query_params.get("of")
    language = language_of(request)

    def now_shown() -> str:
        shown = look(site, session, language, *([] if of is None else [of]))
        return site.fragment(template, language, **shown)

    now_shown()  # what is not the holder's is not there: said while there is still a status to say it with
    return EventSourceResponse(_changes(site, session, now_shown), ping=PING_S)


async def _changes(site: Site, session: Session, now_shown: Callable[[], str]) -> AsyncIterator[ServerSentEvent]:
    """What is shown whenever it has changed. The first is what it is now: the page may be older than the stream."""
    session.streams += 1
    sent = ""
    try:
        while session.is_alive(site.now()) and not site.closing.is_set():
            news = site.host.news  # before looking, so that nothing slips in between
            shown = now_shown()
            if shown != sent:
                sent = shown
                yield ServerSentEvent(shown)
            await trio.sleep(BETWEEN_LOOKS_S)
            with trio.move_on_after(SESSION_LOOKED_AT_S):
                await news.wait()
    finally:
        session.streams -= 1
