"""What all pages of the store share: the market, who is there, the language, how a page is rendered and guarded."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from acquirers.souk.market import Market
from acquirers.souk.settings import PICTURES, Offer
from acquirers.souk.sign_in import Door, Session
from acquirers.souk.words import CURRENCIES, DIRECTION, WORDS

HERE: Final = Path(__file__).parent
SELLER_COOKIE, BUYER_COOKIE, LANGUAGE_COOKIE = "souk_seller", "souk_buyer", "souk_language"
YEAR_S: Final = 365 * 86_400
FORM_MAX: Final = 8 * 1024
FIELDS_MAX: Final = 20
SEE_OTHER: Final = 303


@dataclass(eq=False, slots=True)
class Site:
    """The store's pages."""

    market: Market
    door: Door
    gateway: str  # origin of the payment page: the one place elsewhere to which a form may lead
    secret: str = field(default="", repr=False)
    _templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def headers(self) -> dict[str, str]:
        """Nothing from elsewhere, no script at all."""
        policy = f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {self.gateway}"
        return {
            "Content-Security-Policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cache-Control": "no-store",
        }

    def session(self, request: Request) -> Session | None:
        return self.door.session(request.cookies.get(SELLER_COOKIE, ""))

    def page(self, request: Request, template: str, status: int = 200, **shown: Any) -> Response:
        """A whole page."""
        locale, session = locale_of(request), self.session(request)
        words = WORDS[locale]
        notice, session_notice = shown.pop("notice", None), session.notice if session else None
        if session is not None:
            session.notice = None
        html = self._templates.get_template(template).render(
            words=words,
            locale=locale,
            direction=DIRECTION[locale],
            other="ar" if locale == "en" else "en",
            path=request.url.path,
            session=session,
            notice=notice or session_notice,
            once=secrets.token_urlsafe(12),
            sellers=self.market.sellers,
            pictures=PICTURES,
            currency=lambda code: CURRENCIES[locale].get(code, code),
            title_of=lambda offer: in_language(offer, "title", locale),
            about_of=lambda offer: in_language(offer, "about", locale),
            name_of=lambda seller: seller.name_ar if locale == "ar" else seller.name,
            **shown,
        )
        return HTMLResponse(html, status, self.headers)

    def lost(self, request: Request, word: str = "lost", status: int = 404) -> Response:
        return self.page(request, "lost.html", status, word=word)


def in_language(offer: Offer, what: str, locale: str) -> str:
    """Title or description in the reader's language, where the seller has written one."""
    ours: str = getattr(offer, f"{what}_{locale}", "")
    return ours or str(getattr(offer, what))


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def locale_of(request: Request) -> str:
    """As chosen, else as the browser says."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    wanted = request.headers.get("accept-language", "")[:2].lower()
    return next((one for one in (chosen, wanted) if one in WORDS), "en")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; nothing of one that is too long."""
    raw = b""
    async for part in request.stream():
        raw += part if len(raw) <= FORM_MAX else b""
    if len(raw) > FORM_MAX:
        return {}
    try:
        return dict(parse_qsl(raw.decode(errors="replace"), max_num_fields=FIELDS_MAX, keep_blank_values=True))
    except ValueError:
        return {}


def is_from_elsewhere(request: Request) -> bool:
    """Whether the browser says that another site's page sent this."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def see(path: str) -> RedirectResponse:
    """Go there; the browser asks with GET."""
    return RedirectResponse(path, SEE_OTHER)


def set_cookie(response: Response, name: str, value: str, *, max_age: int | None = None, strict: bool = False) -> None:
    """A buyer comes back from the gateway's page by a link, so only a seller's cookie stays at home then."""
    response.set_cookie(name, value, max_age=max_age, httponly=True, samesite="strict" if strict else "lax")
