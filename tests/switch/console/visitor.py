"""A visitor of the console of a core on a desk: pages asked over ASGI, no socket and no clock of its own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import httpx2

from switch.console.guard import Guard
from switch.console.serve import application, sample
from switch.console.site import Site
from switch.shell.browser import forms
from switch.shell.node import Node, Phase
from switch.store.journal import Journal
from tests.switch.desk import Desk

TOKEN = "a-token-for-tests-and-for-nothing-else-0123456"
BASE = "http://127.0.0.1:8580"
PAGES = ("/", "/transactions", "/owed", "/stand-in", "/participants", "/products", "/journal")


@dataclass
class Clock:
    """What the site's sessions go by."""

    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Console:
    """The console over a desk."""

    desk: Desk
    is_only_here: bool = True
    clock: Clock = field(default_factory=Clock)
    site: Site = field(init=False)
    app: Guard = field(init=False)

    def __post_init__(self) -> None:
        journal = SimpleNamespace(next_seq=8, next_record=20, free_bytes=lambda: 5 * 2**30, dropped=None)
        node = Node(self.desk.core, cast(Journal, journal))
        node.phase = Phase.READY
        self.site = Site(
            node, TOKEN, 8580, is_only_here=self.is_only_here, now=self.clock, moment=lambda: self.desk.now
        )
        self.app = application(self.site, ("127.0.0.1",))

    @property
    def node(self) -> Node:
        return self.site.node

    def follows(self) -> None:
        """What the journal was given is what its trail has."""
        self.node.trail.add(list(self.desk.disk))
        self.site.history.add(sample(self.node))

    @asynccontextmanager
    async def visitor(self, *, comes_in: bool = True, **headers: str) -> AsyncIterator[Visitor]:
        transport = httpx2.ASGITransport(app=cast(Any, self.app))
        async with httpx2.AsyncClient(
            transport=transport, base_url=BASE, follow_redirects=True, headers=headers
        ) as client:
            visitor = Visitor(client)
            if comes_in:
                await visitor.visit(f"/enter?token={TOKEN}")
                assert visitor.last.status_code == 200
            yield visitor


@dataclass
class Visitor:
    """One browser; `page` is what it shows."""

    client: httpx2.AsyncClient
    last: httpx2.Response = field(init=False)

    @property
    def page(self) -> str:
        return self.last.text

    @property
    def words(self) -> str:
        """The page without its tags, on one line."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.page).split())

    async def visit(self, path: str, **headers: str) -> httpx2.Response:
        self.last = await self.client.get(
            path, headers={name.replace("_", "-"): said for name, said in headers.items()}
        )
        return self.last

    async def send(self, action: str, *, headers: dict[str, str] | None = None, **typed: str) -> httpx2.Response:
        """The form on the page that goes there, with what is typed into it."""
        return await self.post(action, headers=headers, **{**forms(self.page)[action], **typed})

    async def post(self, action: str, *, headers: dict[str, str] | None = None, **fields: str) -> httpx2.Response:
        self.last = await self.client.post(action, data=fields, headers=headers)
        return self.last
