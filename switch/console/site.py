"""What all pages share: the node behind them, who has come in, and how a page is rendered."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from protocols.elements import printable
from switch.console import metrics, views
from switch.console.history import History
from switch.console.sessions import Session, Sessions
from switch.instant import Instant
from switch.shell import clock

if TYPE_CHECKING:
    from switch.shell.node import Node

HERE: Final = Path(__file__).parent
SEE_OTHER: Final = 303


@dataclass(eq=False, slots=True)
class Site:
    """One switch's console."""

    node: Node
    token: str = field(repr=False)
    port: int
    is_only_here: bool = True  # nobody but this machine can reach it
    now: Callable[[], float] = time.monotonic
    moment: Callable[[], Instant] = clock.now
    history: History = field(default_factory=History)
    sessions: Sessions = field(default_factory=Sessions)
    closing: trio.Event = field(default_factory=trio.Event)
    registry: CollectorRegistry = field(init=False)
    _templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        self.registry = metrics.registry(self.node)
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"age": views.age, "size": views.size, "duration": views.duration, "said": printable}

    @property
    def cookie(self) -> str:
        """Cookies know no ports: two networks on one machine must not put each other's visitors out."""
        return f"payswitch_{self.port}"

    def is_the_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())

    def session(self, request: Request, *, touch: bool = True) -> Session | None:
        return self.sessions.of(request.cookies.get(self.cookie, ""), self.now(), touch=touch)

    def begin(self) -> RedirectResponse:
        """Let somebody in."""
        name = secrets.token_urlsafe(32)
        self.sessions.begin(name, secrets.token_urlsafe(32), self.now())
        response = see("/")
        response.set_cookie(self.cookie, name, path="/", httponly=True, samesite="strict")
        return response

    def fragment(self, template: str, **shown: Any) -> str:
        return self._templates.get_template(template).render(network=self.node.core.network.network, **shown)

    def page(
        self, request: Request, template: str, session: Session | None = None, status: int = 200, **shown: Any
    ) -> Response:
        """A whole page, with what is to be told once."""
        notices = [] if session is None else list(session.notices)
        if session is not None:
            session.notices.clear()
        html = self.fragment(
            template,
            session=session,
            notices=notices,
            path=request.url.path,
            phase=self.node.phase.value,
            **shown,
        )
        return HTMLResponse(html, status)


Page = Callable[[Request, Site, Session], Awaitable[Response]]


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def for_insiders(page: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for whoever has come in; everybody else gets 403 and a place for the token."""

    @wraps(page)
    async def guarded(request: Request) -> Response:
        site = site_of(request)
        session = site.session(request)
        if session is None:
            return door(request, site)
        return await page(request, site, session)

    return guarded


def door(request: Request, site: Site, words: str = "") -> Response:
    """Where the token is asked for."""
    return site.page(request, "door.html", None, 403, words=words)


def see(path: str) -> RedirectResponse:
    """Go there; the browser asks with GET."""
    return RedirectResponse(path, SEE_OTHER)
