"""The hosted page's routes: show the form, take a card, show what came of it, lead back to the shop.

Works without JavaScript, because there is none; nothing is loaded from anywhere else. The address of a page is
its secret, so it is never handed on as a referrer. What is done with a card is the desk's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from acquirers.hosted_page.form import read_card
from acquirers.hosted_page.words import DIRECTION, WORDS
from acquirers.store_api import payment as life
from acquirers.store_api.books import Kept
from acquirers.store_api.desk import Desk
from acquirers.store_api.models import Channel, Payment, PaymentStatus
from acquirers.store_api.problem import Problem

POLICY: Final = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
FORM_MAX: Final = 4096  # bytes
_PAGE: Final = re.compile(r"[a-z2-7]{52}")
_TONES = {
    PaymentStatus.DECLINED: "bad",
    PaymentStatus.CANCELLED: "bad",
    PaymentStatus.EXPIRED: "bad",
    PaymentStatus.REVERSED: "bad",
    PaymentStatus.UNKNOWN: "wait",
    PaymentStatus.PROCESSING: "wait",
}
_templates = Environment(
    loader=PackageLoader("acquirers.hosted_page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def page_routes(desk: Desk) -> list[BaseRoute]:
    """The routes, for the application that serves the API as well."""
    pages = Pages(desk)
    return [
        Route("/pay/page.css", _style, methods=["GET"]),
        Route("/pay/{page}", pages.show, methods=["GET"]),
        Route("/pay/{page}", pages.take, methods=["POST"]),
    ]


class Pages:
    """The pages of one gateway's buyers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        kept = self._kept(request)
        return _nobody() if kept is None else self._shown(kept, _locale(request, kept.payment))

    async def take(self, request: Request) -> Response:
        kept = self._kept(request)
        if kept is None:
            return _nobody()
        locale = _locale(request, kept.payment)
        form = await _form(request)
        if form.get("do") == "cancel":
            return self._cancelled(kept, locale)
        card = read_card(form, code_needed=kept.payment.channel is Channel.ECOMMERCE)
        if isinstance(card, list):
            return self._shown(kept, locale, wrong=card, status=422)
        try:
            store = kept.payment.store_card and form.get("store") == "1"
            await self._desk.pay_with(kept, card, store=store)
        except Problem as problem:
            if problem.kind.slug == "switch.unreachable":
                return self._shown(kept, locale, busy=True, status=503)
        return _again(kept, locale)  # so that going back and reloading never pays twice

    def _cancelled(self, kept: Kept, locale: str) -> Response:
        with suppress(Problem):  # it has been paid, or is being paid: the page says so
            self._desk.cancel(kept)
        return _again(kept, locale)

    def _kept(self, request: Request) -> Kept | None:
        page = request.path_params["page"]
        return self._desk.books.payment_on_page(page) if _PAGE.fullmatch(page) else None

    def _shown(
        self, kept: Kept, locale: str, *, wrong: Sequence[str] = (), busy: bool = False, status: int = 200
    ) -> Response:
        payment, words = kept.payment, WORDS[locale]
        sale, is_open = life.sale_of(payment), self._desk.may_try(kept)
        merchant = self._desk.merchant(payment.merchant)
        seller = next((one.name for one in merchant.sub_merchant if one.id == payment.sub_merchant), None)
        declined = payment.status is PaymentStatus.DECLINED
        page = _templates.get_template("page.html.jinja").render(
            words=words,
            locale=locale,
            other="ar" if locale == "en" else "en",
            direction=DIRECTION[locale],
            shop=merchant.name,
            seller=seller,
            payment=payment,
            page=kept.page,
            open=is_open,
            moto=payment.channel is Channel.MOTO,
            code_needed=payment.channel is Channel.ECOMMERCE,
            wrong=wrong,
            busy=busy,
            refresh=payment.status is PaymentStatus.PROCESSING,
            state=words.get(f"state.{payment.status}"),
            tone=_TONES.get(payment.status, "good"),
            why=sale.explanation if declined and sale and locale == "en" else None,
            approval=sale.approval_code if sale and _TONES.get(payment.status) is None else None,
            back=back_to_shop(payment),
        )
        return HTMLResponse(page, status, HEADERS)


def back_to_shop(payment: Payment) -> str | None:
    """The shop's own address, with the payment's id; the shop asks us what came of it and believes no buyer.

    A payment that is still open leads nowhere.
    """
    if payment.return_url is None:
        return None
    base, mark, fragment = payment.return_url.partition("#")
    joint = "&" if "?" in base else "?"
    return f"{base}{joint}{urlencode({'payment': payment.id})}{mark}{fragment}"


async def _form(request: Request) -> dict[str, str]:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > FORM_MAX:
            return {}
    return dict(parse_qsl(raw.decode(errors="replace"), max_num_fields=20, keep_blank_values=True))


def _locale(request: Request, payment: Payment) -> str:
    asked = request.query_params.get("lang", "")
    return asked if asked in WORDS else payment.locale


def _again(kept: Kept, locale: str) -> Response:
    return RedirectResponse(f"/pay/{kept.page}?lang={locale}", 303, HEADERS)


def _nobody() -> Response:
    return HTMLResponse("<!doctype html><title>404</title><p>There is no such page.", 404, HEADERS)


async def _style(_request: Request) -> Response:
    style: Any = files("acquirers.hosted_page").joinpath("page.css").read_text(encoding="utf-8")
    return Response(style, media_type="text/css", headers={"Cache-Control": "max-age=3600"})
