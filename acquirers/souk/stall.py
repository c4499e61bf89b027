"""The sellers' pages: sign in, goods, orders, refunds. Every button sends a token of the session, and is done once."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from acquirers.souk.sign_in import Session
from acquirers.souk.site import SELLER_COOKIE, Site, form_of, is_from_elsewhere, see, set_cookie, site_of

Page = Callable[[Request, Site, Session], Awaitable[Response]]
Deed = Callable[[Request, Site, Session, dict[str, str]], Awaitable[Response]]


def for_sellers(page: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for whoever is signed in."""

    @wraps(page)
    async def guarded(request: Request) -> Response:
        site = site_of(request)
        session = site.session(request)
        return see("/sell") if session is None else await page(request, site, session)

    return guarded


def deed(act: Deed) -> Callable[[Request], Awaitable[Response]]:
    """A button: only from a page of this session."""

    async def guarded(request: Request, site: Site, session: Session) -> Response:
        form = await form_of(request)
        if is_from_elsewhere(request) or not secrets.compare_digest(
            form.get("csrf", "").encode(), session.csrf.encode()
        ):
            return site.lost(request, "foreign", 403)
        return await act(request, site, session, form)

    return for_sellers(guarded)


async def door(request: Request) -> Response:
    site = site_of(request)
    return see("/stall") if site.session(request) else site.page(request, "sell.html", user="")


async def sign_in(request: Request) -> Response:
    site, form = site_of(request), await form_of(request)
    if is_from_elsewhere(request):
        return site.lost(request, "foreign", 403)
    user = form.get("user", "").strip().lower()[:40]
    name = await site.door.admit(user, form.get("password", ""))
    if name is None:
        return site.page(request, "sell.html", 401, user=user, notice=("sell.wrong", True))
    response = see("/stall")
    set_cookie(response, SELLER_COOKIE, name, strict=True)
    return response


@deed
async def sign_out(request: Request, site: Site, session: Session, form: dict[str, str]) -> Response:
    site.door.end(request.cookies.get(SELLER_COOKIE, ""))
    response = see("/")
    response.delete_cookie(SELLER_COOKIE)
    return response


@for_sellers
async def stall(request: Request, site: Site, session: Session) -> Response:
    books, user = site.market.books, session.seller.user
    return site.page(request, "stall.html", goods=books.goods(user), orders=books.orders_of(seller=user))


@for_sellers
async def good(request: Request, site: Site, session: Session) -> Response:
    """The form of a good, new or as it is."""
    id_ = request.path_params.get("good")
    offer = site.market.books.good(id_) if id_ is not None else None
    if id_ is not None and (offer is None or offer.seller != session.seller.user):
        return site.lost(request)
    return site.page(request, "listing.html", id=id_, offer=offer)


@deed
async def list_good(request: Request, site: Site, session: Session, form: dict[str, str]) -> Response:
    id_ = request.path_params.get("good")
    kept = site.market.offer(session.seller, form, id_)
    if kept is None:
        session.notice = ("good.wrong", True)
        return see("/stall/goods/new" if id_ is None else f"/stall/goods/{id_}")
    session.notice = ("good.saved", False)
    return see("/stall")


@for_sellers
async def order(request: Request, site: Site, session: Session) -> Response:
    """An order of this seller's, as it stands now."""
    found = site.market.books.order(request.path_params["order"])
    if found is None or found.seller != session.seller.user:
        return site.lost(request)
    found = await site.market.look(found)
    return site.page(request, "sale.html", order=found)


@deed
async def refund(request: Request, site: Site, session: Session, form: dict[str, str]) -> Response:
    """All of it or a part. The form's own number makes the key, so a second click is the same refund."""
    found = site.market.books.order(request.path_params["order"])
    if found is None or found.seller != session.seller.user:
        return site.lost(request)
    word = await site.market.refund(found, form.get("amount", "").strip(), f"{found.id}-{form.get('once', '')[:40]}")
    session.notice = (word, word != "refund.done")
    return see(f"/stall/orders/{found.id}")
