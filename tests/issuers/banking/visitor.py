"""A visitor of online banking over a branch of the bank: pages asked over ASGI, forms sent as they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2

from issuers.banking.guard import Guard
from issuers.banking.serve import application
from issuers.banking.site import Site
from switch.shell.browser import forms
from tests.issuers.branch import Branch

PASSWORDS = {"fatma": "watani-1001", "yousef": "watani-1002", "mariam": "watani-1003", "ahmad": "watani-2001"}
BASE = "http://127.0.0.1"
SHOPS = {"UAEMALL00000001": "uaemall.com", "SOUKWATANI00001": "Souk Al-Watani"}


@dataclass
class Clock:
    """What the site's sessions go by."""

    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Visitor:
    """One browser; `page` is what it shows."""

    client: httpx2.AsyncClient
    last: httpx2.Response = field(init=False)

    @property
    def page(self) -> str:
        return self.last.text

    async def visit(self, path: str, **headers: str) -> httpx2.Response:
        self.last = await self.client.get(path, headers=headers)
        return self.last

    async def send(self, action: str, *, headers: dict[str, str] | None = None, **typed: str) -> httpx2.Response:
        """The form on the page that goes there, with what is typed into it."""
        return await self.post(action, headers=headers, **{**forms(self.page)[action], **typed})

    async def post(self, action: str, *, headers: dict[str, str] | None = None, **fields: str) -> httpx2.Response:
        self.last = await self.client.post(action, data=fields, headers=headers)
        return self.last

    async def sign_in(self, user: str = "fatma", password: str | None = None) -> httpx2.Response:
        await self.visit("/sign-in")
        return await self.send("/sign-in", user=user, password=PASSWORDS[user] if password is None else password)


@dataclass
class Office:
    """The bank's pages, and the branch behind them."""

    branch: Branch
    site: Site
    clock: Clock
    app: Guard
    failures: list[Exception]

    @asynccontextmanager
    async def visitor(self, **headers: str) -> AsyncIterator[Visitor]:
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url=BASE, follow_redirects=True, headers=headers
        ) as client:
            yield Visitor(client)

    def card(self, number: int, holder: str = "Fatma Al-Sabah") -> str:
        token: str = self.branch.counter(holder).cards()[number]["token"]
        return token


def office_over(branch: Branch) -> Office:
    """Call while the branch is open."""
    clock, failures = Clock(), list[Exception]()
    site = Site(branch.host, SHOPS, clock)
    return Office(branch, site, clock, Guard(application(site, ("127.0.0.1",)), failures.append), failures)


def card_path(token: str) -> str:
    return f"/cards/{token}"


def payment_path(key: str) -> str:
    return f"/payments/{quote(key)}"
