"""The buttons: one function each, all of them POST, true when they return.

Each takes a session, the session's CSRF token and a form that has not been done before; then it says what came of it on
the page that the holder comes back to.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from math import ceil

import structlog
import trio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from issuers.banking.forms import FormError, inside, is_from_elsewhere, read_form
from issuers.banking.pages import card_page, for_holders, sign_in_page, site_of
from issuers.banking.sessions import Notice, Session
from issuers.banking.site import FORM_COOKIE, SESSION_COOKIE, Site, language_of, see, set_cookie
from issuers.counter import Counter
from issuers.teller import TellerRefusedError

Form = dict[str, str]
Deed = Callable[[Counter, Form], Notice]

log = structlog.get_logger()


# Signing in and out


async def sign_in(request: Request) -> Response:
    """Name and password, looked at as often as `attempts` allows."""
    site, form = site_of(request), await _form(request)
    user, place = form.get("user", "").lower(), request.client.host if request.client else ""
    if not site.is_own_form(request.cookies.get(FORM_COOKIE, ""), form.get("form", "")):
        return sign_in_page(request, site, language_of(request).say("sign_in.stale"), user, 403)
    if site.attempts.wait_s(user, place, site.now()):
        return _wait(request, site, user, place)
    site.attempts.failed(user, place, site.now())  # before the password is looked at: many tries at once count, too
    holder = await site.doorkeeper.admits(user, form.get("password", ""))
    if holder is None:
        log.info("a sign-in to online banking failed", place=place)
        return sign_in_page(request, site, language_of(request).say("sign_in.wrong"), user, 401)
    site.attempts.succeeded(user)
    name = secrets.token_urlsafe(32)
    site.sessions.begin(name, secrets.token_urlsafe(32), holder, site.now())
    response = see(inside(form.get("back")))
    set_cookie(response, SESSION_COOKIE, name, secure=request.url.scheme == "https")
    response.delete_cookie(FORM_COOKIE)
    return response


def _wait(request: Request, site: Site, user: str, place: str) -> Response:
    seconds = site.attempts.wait_s(user, place, site.now())
    words = language_of(request).say("sign_in.wait", minutes=ceil(seconds / 60))
    response = sign_in_page(request, site, words, user, 429)
    response.headers["retry-after"] = str(ceil(seconds))
    return response


@for_holders
async def sign_out(request: Request, site: Site, session: Session) -> Response:
    """For good: the session is gone, not only the cookie."""
    await _checked_form(request, session)
    site.sessions.end(request.cookies[SESSION_COOKIE])
    response = see("/sign-in")
    response.delete_cookie(SESSION_COOKIE)
    response.headers["clear-site-data"] = '"cache"'
    return response


# What a button does at the counter, and what is said when it is done


def transfer(counter: Counter, form: Form) -> Notice:
    source, amount = form.get("source", ""), form.get("amount", "")
    counter.transfer(source, form.get("target", ""), amount, form.get("text", "")[:80])
    return Notice("transfer.done", places={"amount": amount})


def pay_card(counter: Counter, form: Form, card: str) -> Notice:
    counter.pay_card(card, form.get("source", ""), form.get("amount", ""))
    return Notice("card.paid", places={"amount": form["amount"]})


def set_limit(counter: Counter, form: Form, card: str) -> Notice:
    counter.set_limit(card, form.get("limit", ""))
    return Notice("card.limit_set", places={"amount": form["limit"]})


def freeze(counter: Counter, form: Form, card: str) -> Notice:
    counter.freeze(card)
    return Notice("card.frozen")


def unfreeze(counter: Counter, form: Form, card: str) -> Notice:
    counter.unfreeze(card)
    return Notice("card.unfrozen")


def end_number(counter: Counter, form: Form, card: str) -> Notice:
    counter.end_number(form.get("number", ""))
    return Notice("number.ended")


def cancel_hold(counter: Counter, form: Form, payment: str) -> Notice:
    counter.cancel_hold(payment)
    return Notice("payment.cancelled")


def dispute(counter: Counter, form: Form, payment: str) -> Notice:
    counter.dispute(payment, form.get("reason", ""))
    return Notice("payment.dispute_taken")


CARD_DEEDS = {"pay": pay_card, "limit": set_limit, "freeze": freeze, "unfreeze": unfreeze, "end-number": end_number}
PAYMENT_DEEDS = {"cancel": cancel_hold, "dispute": dispute}


@for_holders
async def act_on_card(request: Request, site: Site, session: Session) -> Response:
    card, deed = request.path_params["card"], CARD_DEEDS.get(request.path_params["deed"])
    if deed is None:
        raise HTTPException(404)
    return await _done(request, site, session, partial(deed, card=card), f"/cards/{card}")


@for_holders
async def act_on_payment(request: Request, site: Site, session: Session) -> Response:
    payment, deed = request.path_params["payment"], PAYMENT_DEEDS.get(request.path_params["deed"])
    if deed is None:
        raise HTTPException(404)
    return await _done(request, site, session, partial(deed, payment=payment), f"/payments/{payment}")


@for_holders
async def act_on_accounts(request: Request, site: Site, session: Session) -> Response:
    return await _done(request, site, session, transfer, "/transfers")


@for_holders
async def new_number(request: Request, site: Site, session: Session) -> Response:
    """The one page with a whole number on it; it answers the POST itself, because nothing keeps the number."""
    card = request.path_params["card"]
    form = await _checked_form(request, session)
    if not session.first_time(form.get("once", "")):
        return _told(session, Notice("done.twice"), f"/cards/{card}")
    try:
        made = await site.counter(session).number(card, form.get("merchant", ""), form.get("amount") or None)
    except TellerRefusedError as refused:
        return _told(session, _refusal(refused), f"/cards/{card}")
    return card_page(request, site, session, card, made)


async def _done(request: Request, site: Site, session: Session, deed: Deed, back: str) -> Response:
    """Do it once, and say what came of it."""
    form = await _checked_form(request, session)
    if not session.first_time(form.get("once", "")):
        return _told(session, Notice("done.twice"), back)
    try:
        notice = deed(site.counter(session), form)
    except TellerRefusedError as refused:
        notice = _refusal(refused)
    await trio.lowlevel.checkpoint()
    return _told(session, notice, back)


def _refusal(refused: TellerRefusedError) -> Notice:
    return Notice(refused.slug, is_refusal=True, text=str(refused))


def _told(session: Session, notice: Notice, back: str) -> Response:
    session.notices.append(notice)
    return see(back)


async def _form(request: Request) -> Form:
    if is_from_elsewhere(request):
        raise HTTPException(403)
    try:
        return await read_form(request)
    except FormError:
        raise HTTPException(400) from None


async def _checked_form(request: Request, session: Session) -> Form:
    """A form that only a page of this session can have sent."""
    form = await _form(request)
    if not secrets.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
        raise HTTPException(403)
    return form
