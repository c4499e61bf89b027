"""The store over a bench: pages asked over ASGI, API calls answered by the real store API, the switch by script."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2
import trio

from acquirers.souk.books import Books
from acquirers.souk.client import StoreClient
from acquirers.souk.market import Market
from acquirers.souk.order import Order
from acquirers.souk.serve import application
from acquirers.souk.settings import load_souk
from acquirers.souk.sign_in import Door
from acquirers.souk.site import Site
from acquirers.web_client import NoAnswerError, WebAnswer
from switch.shell.browser import forms
from tests.acquirers.store_api.bench import BASE, CARD, Answers, Bench, approves, opened

SOUK = "http://souk.test"
AT = datetime(2026, 11, 23, 20, 51, 44, tzinfo=UTC)
DATES = 3  # the good's number on the first day


@dataclass
class Place:
    """One store, the gateway behind it, and browsers."""

    bench: Bench
    market: Market
    site: Site
    client: httpx2.AsyncClient  # a buyer's browser
    is_cut: bool = False  # whether the gateway cannot be reached
    lost: list[str] = field(default_factory=list)  # paths whose answers are lost on the way back

    async def ask(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
        if self.is_cut:
            raise NoAnswerError("cut")
        answer = await self.bench.client.request(method, url, content=body, headers=dict(headers))
        if any(path in url for path in self.lost):
            raise NoAnswerError("lost")
        return WebAnswer(answer.status_code, answer.content)

    async def buys(self, good: int = DATES, quantity: int = 1) -> httpx2.Response:
        return await self.client.post(f"/goods/{good}/buy", data={"quantity": str(quantity)})

    async def pays(self, sent: httpx2.Response, **typed: str) -> None:
        """On the gateway's page, to which the store has sent the browser; and back."""
        page = sent.headers["location"].removeprefix(BASE)
        await self.bench.client.post(page, data=CARD | typed)
        await self.client.get(f"/orders/{self.order().id}/back")

    async def bought(self, good: int = DATES, quantity: int = 1) -> Order:
        await self.pays(await self.buys(good, quantity))
        return self.order()

    def order(self) -> Order:
        """The newest there is."""
        orders = [one for seller in self.market.sellers for one in self.market.books.orders_of(seller=seller)]
        return max(orders, key=lambda one: one.id)

    def stock(self, good: int = DATES) -> int:
        offer = self.market.books.good(good)
        assert offer is not None
        return offer.stock

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.ASGITransport(app=cast(Any, application(self.site)))
        async with httpx2.AsyncClient(transport=transport, base_url=SOUK) as client:
            yield client

    async def refunds(self, order: Order, amount: str, *, user: str = "dates", times: int = 1) -> str:
        """The seller's page after the button; `times`: how often it is clicked."""
        async with self.browser() as seller:
            await seller.post("/sell", data={"user": user, "password": PASSWORDS[user]})
            page = await seller.get(f"/stall/orders/{order.id}")
            action = f"/stall/orders/{order.id}/refund"
            for _ in range(times):
                await seller.post(action, data={**forms(page.text)[action], "amount": amount})
            return (await seller.get(f"/stall/orders/{order.id}")).text


PASSWORDS = {"books": "souk-2001", "dates": "souk-2002", "seeds": "souk-2003"}


async def is_right(digest: str, password: str) -> bool:
    """Without argon2, whose thread would let virtual time run away."""
    await trio.lowlevel.checkpoint()
    sellers = {one.password: one.user for one in load_souk().sellers}
    return PASSWORDS[sellers[digest]] == password


@asynccontextmanager
async def souk(path: Path, answers: Answers = approves) -> AsyncIterator[Place]:
    """A store's life; opening the same folder again is a restart."""
    file = load_souk()
    async with opened(path, answers) as bench:
        books = Books(path / "souk.db", file.goods)
        try:
            numbers = itertools.count(len(books.orders_of(seller="dates")) + 1)
            place = cast(Place, None)

            async def ask(method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
                return await place.ask(method, url, body=body, headers=headers)

            client = StoreClient(BASE, file.test_key.get_secret_value(), ask)
            market = Market(file, books, client, SOUK, lambda: AT, lambda: f"order{next(numbers):011d}")
            site = Site(market, Door(file.sellers, trio.current_time, is_right), BASE)
            transport = httpx2.ASGITransport(app=cast(Any, application(site)))
            async with httpx2.AsyncClient(transport=transport, base_url=SOUK) as browser:
                place = Place(bench, market, site, browser)
                yield place
        finally:
            books.close()
