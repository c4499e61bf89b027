"""What all pages share: the bank behind them, who is signed in, the language, and how a page is rendered."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import trio
from itsdangerous import BadSignature, TimestampSigner
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from issuers.access_control import AccessControl
from issuers.banking.attempts import Attempts
from issuers.banking.language import Language
from issuers.banking.languages import FIRST, LANGUAGES
from issuers.banking.sessions import Notice, Session, Sessions
from issuers.banking.sign_in import Doorkeeper
from issuers.banking.views import Eyes
from issuers.counter import Counter
from issuers.host import Host

HERE: Final = Path(__file__).parent
SESSION_COOKIE: Final = "watani_session"
LANGUAGE_COOKIE: Final = "watani_language"
FORM_COOKIE: Final = "watani_form"
FORM_LIFE_S: Final = 1800  # a sign-in form that somebody has left open
YEAR_S: Final = 365 * 86_400
SEE_OTHER: Final = 303


@dataclass(eq=False, slots=True)
class Site:
    """One bank's online banking."""

    host: Host
    shops: Mapping[str, str]  # card acceptor ids of shops on the internet, and their names
    now: Callable[[], float] = time.monotonic
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    closing: trio.Event = field(default_factory=trio.Event)
    access_control: AccessControl = field(init=False)
    doorkeeper: Doorkeeper = field(init=False)
    signer: TimestampSigner = field(init=False)
    _templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        bank = self.host.bank
        self.access_control = AccessControl(self.host, self.now, secrets.randbelow, lambda: str(uuid4()))
        self.doorkeeper = Doorkeeper({one.user: (one.holder, one.password) for one in bank.holders})
        self.signer = TimestampSigner(secrets.token_bytes(32))
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def counter(self, session: Session) -> Counter:
        return Counter(self.host, session.holder)

    def eyes(self, language: Language) -> Eyes:
        bank = self.host.bank
        return Eyes(language, bank.zone, self.host.moment().yymm, self.shops)

    def session(self, request: Request, *, touch: bool = True) -> Session | None:
        return self.sessions.of(request.cookies.get(SESSION_COOKIE, ""), self.now(), touch=touch)

    # Forms of somebody who is not signed in yet: what the form says must be what the cookie says, signed by us.

    def form_token(self, nonce: str) -> str:
        return self.signer.sign(nonce).decode()

    def is_own_form(self, nonce: str, token: str) -> bool:
        try:
            signed = self.signer.unsign(token, max_age=FORM_LIFE_S).decode()
        except BadSignature:
            return False
        return bool(nonce) and secrets.compare_digest(signed.encode(), nonce.encode())

    # Rendering

    def fragment(self, template: str, language: Language, **shown: Any) -> str:
        return self._templates.get_template(template).render(
            t=language.say, language=language, languages=LANGUAGES, bank=self.host.bank, **shown
        )

    def page(
        self, request: Request, template: str, session: Session | None = None, status: int = 200, **shown: Any
    ) -> Response:
        """A whole page, with what is to be told once."""
        language = language_of(request)
        notices = [] if session is None else [said(one, language) for one in session.notices]
        html = self.fragment(
            template,
            language,
            session=session,
            notices=notices,
            path=request.url.path,
            once=secrets.token_urlsafe(12),
            **shown,
        )
        if session is not None:
            session.notices.clear()
        return HTMLResponse(html, status)


def said(notice: Notice, language: Language) -> dict[str, Any]:
    """A notice in words."""
    if notice.is_refusal:
        return {"is_refusal": True, "words": language.refusal(notice.key, notice.text)}
    return {"is_refusal": False, "words": language.say(notice.key, **notice.places)}


def language_of(request: Request) -> Language:
    """As the holder has chosen, else the first of the browser's that we speak."""
    chosen = LANGUAGES.get(request.cookies.get(LANGUAGE_COOKIE, ""))
    if chosen is not None:
        return chosen
    wanted = (
        part.partition(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")
    )
    return next((LANGUAGES[code] for code in wanted if code in LANGUAGES), FIRST)


def see(path: str) -> RedirectResponse:
    """Go there; the browser asks with GET."""
    return RedirectResponse(path, SEE_OTHER)


def set_cookie(response: Response, name: str, value: str, *, max_age: int | None = None, secure: bool = False) -> None:
    """Never readable by a script, never sent from another site's page."""
    response.set_cookie(name, value, max_age=max_age, path="/", httponly=True, samesite="strict", secure=secure)
