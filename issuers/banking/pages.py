"""The pages: one function each, all of them GET, all of them without an effect on the books."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from issuers.banking.forms import inside
from issuers.banking.language import Language
from issuers.banking.languages import LANGUAGES
from issuers.banking.sessions import Session
from issuers.banking.site import (
    FORM_COOKIE,
    LANGUAGE_COOKIE,
    YEAR_S,
    Site,
    language_of,
    see,
    set_cookie,
)
from issuers.banking.views import LATEST, CardView, Line

Shown = dict[str, Any]
Page = Callable[[Request, Site, Session], Awaitable[Response]]


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def for_holders(page: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for whoever is signed in; everybody else is asked to, and comes back."""

    @wraps(page)
    async def guarded(request: Request) -> Response:
        site = site_of(request)
        session = site.session(request)
        if session is None:
            back = quote(request.url.path) if request.method == "GET" else "/"
            return see("/sign-in" if back == "/" else f"/sign-in?next={back}")
        return await page(request, site, session)

    return guarded


# What is shown, for a page and for its stream of news alike


def overview(site: Site, session: Session, language: Language) -> Shown:
    counter, eyes = site.counter(session), site.eyes(language)
    cards = counter.cards()
    return {
        "accounts": eyes.accounts(counter.accounts(), cards),
        "cards": eyes.cards(cards),
        "payments": eyes.payments(counter.statement(LATEST)),
    }


def statement_of(site: Site, session: Session, language: Language, card: str = "") -> Shown:
    counter = site.counter(session)
    return {"payments": site.eyes(language).payments(counter.statement(), card)}


def one_account(site: Site, session: Session, language: Language, account: str) -> Shown:
    counter, eyes = site.counter(session), site.eyes(language)
    found = [one for one in eyes.accounts(counter.accounts(), counter.cards()) if one.id == account]
    if not found:
        raise HTTPException(404)
    return {"account": found[0], "entries": eyes.entries(counter.entries(account), found[0].currency)}


def one_card(site: Site, session: Session, language: Language, token: str) -> Shown:
    counter, eyes = site.counter(session), site.eyes(language)
    return {
        "card": eyes.card(line_of(counter.cards(), "token", token)),
        "payments": eyes.payments(counter.statement(), token)[:LATEST],
    }


def one_payment(site: Site, session: Session, language: Language, key: str) -> Shown:
    return {"payment": site.eyes(language).payment(line_of(site.counter(session).statement(), "key", key))}


def inbox_of(site: Site, session: Session, language: Language) -> Shown:
    """The one-time codes that wait for the holder, who alone sees them."""
    return {"codes": site.eyes(language).codes(site.access_control.codes_for(session.holder))}


def line_of(lines: Iterable[Line], name: str, value: str) -> Line:
    """The line that is meant; what is not the holder's is not there."""
    found = next((line for line in lines if line[name] == value), None)
    if found is None:
        raise HTTPException(404)
    return found


# Pages


@for_holders
async def home(request: Request, site: Site, session: Session) -> Response:
    return site.page(request, "home.html", session, **overview(site, session, language_of(request)))


@for_holders
async def statement(request: Request, site: Site, session: Session) -> Response:
    language, card = language_of(request), request.query_params.get("card", "")
    cards: list[CardView] = site.eyes(language).cards(site.counter(session).cards())
    shown = statement_of(site, session, language, card)
    return site.page(request, "statement.html", session, cards=cards, chosen=card, **shown)


@for_holders
async def account(request: Request, site: Site, session: Session) -> Response:
    shown = one_account(site, session, language_of(request), request.path_params["account"])
    return site.page(request, "account.html", session, **shown)


@for_holders
async def card(request: Request, site: Site, session: Session) -> Response:
    return card_page(request, site, session, request.path_params["card"])


def card_page(request: Request, site: Site, session: Session, token: str, made: Shown | None = None) -> Response:
    """A card with all that can be done with it; `made`: a one-time number, in clear, this once."""
    language = language_of(request)
    counter = site.counter(session)
    accounts = site.eyes(language).accounts(counter.accounts(), counter.cards())
    shown = one_card(site, session, language, token)
    return site.page(request, "card.html", session, accounts=accounts, shops=site.shops, made=made, **shown)


@for_holders
async def payment(request: Request, site: Site, session: Session) -> Response:
    shown = one_payment(site, session, language_of(request), request.path_params["payment"])
    return site.page(request, "payment.html", session, **shown)


@for_holders
async def transfers(request: Request, site: Site, session: Session) -> Response:
    counter = site.counter(session)
    accounts = site.eyes(language_of(request)).accounts(counter.accounts(), counter.cards())
    return site.page(request, "transfers.html", session, accounts=accounts)


@for_holders
async def activity(request: Request, site: Site, session: Session) -> Response:
    counter = site.counter(session)
    happenings = site.eyes(language_of(request)).happenings(counter.events(), counter.cards())
    return site.page(request, "activity.html", session, happenings=happenings)


async def sign_in(request: Request) -> Response:
    """The form, which is ours for half an hour."""
    site = site_of(request)
    if site.session(request) is not None:
        return see("/")
    return sign_in_page(request, site)


def sign_in_page(request: Request, site: Site, problem: str = "", user: str = "", status: int = 200) -> Response:
    nonce = secrets.token_urlsafe(16)
    back = inside(request.query_params.get("next"))
    token = site.form_token(nonce)
    response = site.page(request, "sign_in.html", None, status, problem=problem, user=user, token=token, back=back)
    set_cookie(response, FORM_COOKIE, nonce, secure=request.url.scheme == "https")
    return response


async def language(request: Request) -> Response:
    """Choose a language and go back to where one was."""
    chosen = LANGUAGES.get(request.path_params["code"])
    if chosen is None:
        raise HTTPException(404)
    response = see(inside(request.query_params.get("back")))
    set_cookie(response, LANGUAGE_COOKIE, chosen.code, max_age=YEAR_S)
    return response


async def problem(request: Request, error: Exception) -> Response:
    """The page in place of a page."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = status if status in (403, 404) else 500 if status >= 500 else 404
    return site_of(request).page(request, "problem.html", None, status, about=f"error.{known}")
