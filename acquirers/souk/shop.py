"""The buyers' pages: goods, orders, and the way to the payment page and back."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response

from acquirers.souk.market import QUANTITY_MAX, named
from acquirers.souk.order import Order, State
from acquirers.souk.site import (
    BUYER_COOKIE,
    LANGUAGE_COOKIE,
    YEAR_S,
    form_of,
    is_from_elsewhere,
    locale_of,
    see,
    set_cookie,
    site_of,
)
from acquirers.souk.words import WORDS


async def home(request: Request) -> Response:
    site = site_of(request)
    return site.page(request, "home.html", goods=site.market.books.goods())


async def good(request: Request) -> Response:
    return good_page(request)


def good_page(request: Request, notice: tuple[str, bool] | None = None, status: int = 200) -> Response:
    site, id_ = site_of(request), request.path_params["good"]
    offer = site.market.books.good(id_)
    if offer is None:
        return site.lost(request)
    most = min(QUANTITY_MAX, offer.stock)
    return site.page(request, "good.html", status, id=id_, offer=offer, most=most, notice=notice)


async def buy(request: Request) -> Response:
    """Place the order, and send the buyer to pay it."""
    site = site_of(request)
    if is_from_elsewhere(request):
        return site.lost(request, "foreign", 403)
    form = await form_of(request)
    quantity = form.get("quantity", "1")
    buyer = request.cookies.get(BUYER_COOKIE) or secrets.token_urlsafe(24)
    wanted = int(quantity) if quantity.isascii() and quantity.isdigit() and len(quantity) < 4 else 0
    order = await site.market.buy(request.path_params["good"], wanted, buyer, locale_of(request))
    if order is None:
        return good_page(request, ("buy.gone", True), 409)
    response = see(order.page_url or f"/orders/{order.id}")
    set_cookie(response, BUYER_COOKIE, buyer, max_age=YEAR_S)
    return response


async def orders(request: Request) -> Response:
    site = site_of(request)
    buyer = request.cookies.get(BUYER_COOKIE)
    found = site.market.books.orders_of(buyer=named(buyer)) if buyer else []
    return site.page(request, "orders.html", orders=found)


def own_order(request: Request) -> Order | None:
    """The buyer's own; somebody else's is not there."""
    order = site_of(request).market.books.order(request.path_params["order"])
    buyer = request.cookies.get(BUYER_COOKIE, "")
    return order if order is not None and secrets.compare_digest(order.buyer, named(buyer)) else None


async def order(request: Request) -> Response:
    """An order; one that may have moved is asked about."""
    site, found = site_of(request), own_order(request)
    if found is None:
        return site.lost(request)
    if found.state in (State.WAITING, State.UNKNOWN):
        found = await site.market.look(found)
    offer = site.market.books.good(found.good)
    return site.page(request, "order.html", order=found, offer=offer)


async def pay(request: Request) -> Response:
    """To the payment page; for an order whose payment could not be registered at first, once more."""
    site, found = site_of(request), own_order(request)
    if found is None or is_from_elsewhere(request):
        return site.lost(request)
    await form_of(request)
    found = await site.market.register(found)
    return see(found.page_url or f"/orders/{found.id}")


async def back(request: Request) -> Response:
    """From the payment page. What the address says is no proof of anything: the API is asked."""
    order = site_of(request).market.books.order(request.path_params["order"])
    if order is None:
        return site_of(request).lost(request)
    await site_of(request).market.look(order, is_back=True)
    return see(f"/orders/{order.id}")


async def language(request: Request) -> Response:
    """Choose a language and go back to where one was."""
    code = request.path_params["code"]
    if code not in WORDS:
        return site_of(request).lost(request)
    path = request.query_params.get("back", "/")
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    response = see(path if inside else "/")
    set_cookie(response, LANGUAGE_COOKIE, code, max_age=YEAR_S)
    return response
