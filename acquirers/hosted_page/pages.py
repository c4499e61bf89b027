"""The hosted page's routes: show the form, take a card, show what came of it, lead back to the shop.

Works without JavaScript, because there is none; nothing is loaded from anywhere else. The address of a page is
its secret, so it is never handed on as a referrer. What is done with a card is the desk's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from acquirers.hosted_page.form import read_card
from acquirers.hosted_page.words import DIRECTION, WORDS
from acquirers.store_api import payment as life
from acquirers.store_api.authentication import Authenticator, Challenged, Outcome
from acquirers.store_api.books import Kept
from acquirers.store_api.desk import Card, Desk
from acquirers.store_api.models import Channel, Payment, PaymentStatus
from acquirers.store_api.problem import Problem

POLICY: Final = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS: Final = {
    "Content-Security-Policy": f"{POLICY}; form-action 'self'",
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


def page_routes(desk: Desk, authenticator: Authenticator | None = None) -> list[BaseRoute]:
    """The routes, for the application that serves the API as well. Without an authenticator nobody's bank is asked."""
    pages = Pages(desk, authenticator)
    return [
        Route("/pay/page.css", _file("page.css", "text/css"), methods=["GET"]),
        Route("/pay/mark.svg", _file("mark.svg", "image/svg+xml"), methods=["GET"]),
        Route("/pay/{page}", pages.show, methods=["GET"]),
        Route("/pay/{page}", pages.take, methods=["POST"]),
        Route("/pay/{page}/back", pages.back, methods=["GET"]),
    ]


class Pages:
    """The pages of one gateway's buyers."""

    def __init__(self, desk: Desk, authenticator: Authenticator | None) -> None:
        self._desk, self._authenticator = desk, authenticator
        # A browser that has sent a card may be led on to the card's bank, so the form may lead there.
        origins = " ".join(("'self'", *(authenticator.origins if authenticator else ())))
        self._headers = HEADERS | {"Content-Security-Policy": f"{POLICY}; form-action {origins}"}

    async def show(self, request: Request) -> Response:
        kept = self._kept(request)
        return _nobody() if kept is None else self._shown(kept, _locale(request, kept.payment))

    async def take(self, request: Request) -> Response:
        """A card, or no."""
        kept = self._kept(request)
        if kept is None:
            return _nobody()
        locale = _locale(request, kept.payment)
        form = await _form(request)
        if form.get("do") in ("cancel", "another"):
            return self._turned_back(kept, locale, is_over=form["do"] == "cancel")
        card = read_card(form, code_needed=kept.payment.channel is Channel.ECOMMERCE)
        if isinstance(card, list):
            return self._shown(kept, locale, wrong=card, status=422)
        store = kept.payment.store_card and form.get("store") == "1"
        if self._authenticator is None or kept.payment.channel is not Channel.ECOMMERCE:
            return await self._paid(kept, card, store, locale, None)
        if self._authenticator.is_asking(kept.payment.id) or not self._desk.may_try(kept):
            return _again(kept, locale)
        merchant = self._desk.merchant(kept.payment.merchant)
        back = f"{self._desk.terms.base_url}/pay/{request.path_params['page']}/back"
        asking = self._authenticator.begin
        said = await asking(kept.payment, merchant, card, store=store, locale=locale, back_url=back)
        if isinstance(said, Challenged):
            return RedirectResponse(said.address, 303, self._headers)
        return await self._paid(kept, card, store, locale, said)

    async def back(self, request: Request) -> Response:
        """The buyer comes from the bank. What the browser says of it counts for nothing: the bank is asked."""
        kept = self._kept(request)
        if kept is None:
            return _nobody()
        locale = _locale(request, kept.payment)
        ended = await self._authenticator.end(kept.payment.id) if self._authenticator else None
        if ended is None:
            return _again(kept, locale)
        challenged, outcome = ended
        return await self._paid(kept, challenged.card, challenged.store, locale, outcome)

    async def _paid(self, kept: Kept, card: Card, store: bool, locale: str, outcome: Outcome | None) -> Response:
        """Ask for the money, with what the holder's bank has said; or do not, where it said no."""
        now = self._desk.books.payment(kept.payment.id) or kept  # somebody may have been faster while we asked
        try:
            if outcome is None or outcome.may_pay:
                proved = outcome.private_data if outcome else None
                await self._desk.pay_with(now, card, store=store, authentication=proved)
            else:
                self._desk.not_authenticated(now, card)
        except Problem as problem:
            if problem.kind.slug == "switch.unreachable":
                return self._shown(now, locale, busy=True, status=503)
        return _again(kept, locale)  # so that going back and reloading never pays twice

    def _turned_back(self, kept: Kept, locale: str, *, is_over: bool) -> Response:
        """Another card, or none at all."""
        if self._authenticator is not None:
            self._authenticator.forget(kept.payment.id)
        if is_over:
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
        asking = self._authenticator is not None and self._authenticator.is_asking(payment.id)
        waiting = self._authenticator.waits_for(payment.id) if self._authenticator and is_open else None
        page = _templates.get_template("page.html.jinja").render(
            words=words,
            locale=locale,
            other="ar" if locale == "en" else "en",
            direction=DIRECTION[locale],
            shop=merchant.name,
            seller=seller,
            payment=payment,
            page=kept.page,
            open=is_open and waiting is None and not asking,
            bank=waiting.address if waiting else None,
            moto=payment.channel is Channel.MOTO,
            code_needed=payment.channel is Channel.ECOMMERCE,
            wrong=wrong,
            busy=busy,
            refresh=payment.status is PaymentStatus.PROCESSING or asking,
            state=words["state.asking"] if asking else words.get(f"state.{payment.status}") if not waiting else None,
            tone="wait" if asking else _TONES.get(payment.status, "good"),
            why=sale.explanation if declined and sale and locale == "en" else None,
            approval=sale.approval_code if sale and _TONES.get(payment.status) is None else None,
            back=back_to_shop(payment),
        )
        return HTMLResponse(page, status, self._headers)


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


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """One of the page's own files, which are nobody's secret."""

    async def given(_request: Request) -> Response:
        content = files("acquirers.hosted_page").joinpath(name).read_text(encoding="utf-8")
        return Response(content, media_type=media_type, headers={"Cache-Control": "max-age=3600"})

    return given
