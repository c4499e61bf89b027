"""A shop's view of the store API without a network: real desk, session and books; the switch is a script.

`opened()` gives a bench in virtual time. What the switch answers is a function of the message; None is silence.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import trio

from acquirers.gateway import Gateway
from acquirers.hosted_page.pages import page_routes
from acquirers.session import Session
from acquirers.store_api.announcements import Announcements
from acquirers.store_api.app import make_app
from acquirers.store_api.authentication import Authenticator, Post, Server
from acquirers.store_api.books import Books
from acquirers.store_api.courier import Courier
from acquirers.store_api.desk import Desk, Terms
from acquirers.store_api.office import Office
from acquirers.store_api.serve import new_id
from acquirers.vault import Vault
from acquirers.web_client import NoAnswerError, WebAnswer
from protocols.message import Message
from protocols.runtime.link import Link
from tests.acquirers.making import DIALECT, answer, approval, decline, house

KEY = "sk_test_uaemall_nobodys_key"
OTHER = "sk_test_14m_nobodys_key"
CARD = {"number": "9414 1000 0000 0017", "expiry": "12/29", "code": "731", "do": "pay"}
BASE = "https://pay.test"
BANK = "https://bank.test"
BEGAN = datetime(2026, 11, 23, 20, 51, 44, tzinfo=UTC)

Answers = Callable[[Message], bytes | None]


def approves(message: Message) -> bytes | None:
    """What a switch says on a good day."""
    if message.mti in ("0800", "0400", "0420", "0421", "0220", "0221"):
        return answer(message.frame, "00")
    return approval(message.frame)


def declines(message: Message) -> bytes | None:
    return decline(message.frame) if message.mti in ("0100", "0200") else approves(message)


def silent(message: Message) -> bytes | None:
    """It signs us on, takes reversals, and says nothing to what is asked."""
    return None if message.mti in ("0100", "0200") else approves(message)


def mute(message: Message) -> bytes | None:
    """It signs us on, and that is all."""
    return approves(message) if message.mti == "0800" else None


async def nobody(url: str, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
    """No bank that authenticates."""
    raise NoAnswerError("nobody")


@dataclass
class Switch:
    """The other end of the gateway's link, by script."""

    answers: Answers = approves
    heard: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name, self.close_reason = "switch", ""
        self._give, self._take = trio.open_memory_channel[bytes](1000)

    def send(self, frames: list[bytes]) -> None:
        for frame in frames:
            message = DIALECT.decode(frame)
            self.heard.append(message)
            if (said := self.answers(message)) is not None:
                self._give.send_nowait(said)

    async def receive(self) -> list[bytes]:
        try:
            return [await self._take.receive()]
        except trio.EndOfChannel:
            return []

    def abort(self, reason: str) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        self._give.close()

    def money(self) -> list[str]:
        """The message types that moved money, or undid it."""
        return [one.mti for one in self.heard if not one.mti.startswith("08")]


@dataclass
class Bench:
    client: httpx2.AsyncClient
    switch: Switch
    desk: Desk
    office: Office
    courier: Courier
    nursery: trio.Nursery
    _keys: Any = field(default_factory=lambda: (f"key-{number:06d}" for number in itertools.count(1)))

    async def post(self, path: str, body: Any = None, *, key: str | None = None, api_key: str = KEY) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": key or next(self._keys)}
        return await self.client.post(path, content=json.dumps({} if body is None else body), headers=headers)

    async def get(self, path: str, api_key: str = KEY) -> httpx2.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {api_key}"})

    async def delete(self, path: str, api_key: str = KEY) -> httpx2.Response:
        return await self.client.delete(path, headers={"Authorization": f"Bearer {api_key}"})

    async def registered(self, amount: str = "120.00", currency: str = "AED", **more: Any) -> dict[str, Any]:
        told = await self.post("/v1/payments", {"amount": amount, "currency": currency, **more})
        assert told.status_code == 201, told.text
        return cast(dict[str, Any], told.json())

    async def typed(self, payment: dict[str, Any], **more: str) -> httpx2.Response:
        """The buyer's card, on the page."""
        path = payment["page_url"].removeprefix(BASE)
        return await self.client.post(path, data=CARD | more)

    async def paid(self, amount: str = "120.00", currency: str = "AED", **more: Any) -> dict[str, Any]:
        """A payment by page, as it is afterwards."""
        payment = await self.registered(amount, currency, **more)
        await self.typed(payment, **({"store": "1"} if more.get("store_card") else {}))
        return await self.now(payment)

    async def now(self, payment: dict[str, Any]) -> dict[str, Any]:
        return cast(dict[str, Any], (await self.get(f"/v1/payments/{payment['id']}")).json())


@asynccontextmanager
async def opened(
    path: Path,
    answers: Answers = approves,
    *,
    signed_on: bool = True,
    trusting: Any = None,
    bank: Post | None = None,
) -> AsyncIterator[Bench]:
    """A gateway's life: it ends without a farewell, so opening the same folder again is a restart after kill -9."""
    comtrust = house()
    assert comtrust.store_api is not None
    books = Books(path / "comtrust.db")
    began = trio.current_time()

    def utc() -> datetime:
        return BEGAN + timedelta(seconds=trio.current_time() - began)

    switch = Switch(answers)
    gateway = Gateway(
        comtrust, Session(comtrust, DIALECT, stan=len(books.rows("SELECT id FROM messages")) * 7), utc=utc
    )
    try:
        async with trio.open_nursery() as nursery:
            numbers = itertools.count(1)
            vault = Vault(bytes(range(32)), lambda count: next(numbers).to_bytes(count, "big"))
            announcements = Announcements(books, new_id)
            terms = Terms(BASE, 1800.0, 900.0)
            desk = Desk(comtrust, gateway, books, vault, announcements, terms, nursery, utc=utc, new_id=new_id)
            office = Office(desk, comtrust.store_api.keys, utc, new_id)
            courier = Courier(books, vault, utc, trusting)
            announcements.on_letter = courier.wake
            desk.resume()
            office.resume()
            nursery.start_soon(gateway.watch_the_clock)
            if signed_on:
                nursery.start_soon(gateway.converse, cast(Link, switch))
                await gateway.signed_on.wait()
            servers = [Server(("9414",), BANK, "key-of-ours")] if bank else []
            ids = (f"{number:020d}" for number in itertools.count(1))
            authenticator = Authenticator(comtrust, servers, bank or nobody, trio.current_time, lambda: next(ids))
            app = make_app(office, page_routes(desk, authenticator))
            transport = httpx2.ASGITransport(app=cast(Any, app), raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
                yield Bench(client, switch, desk, office, courier, nursery)
            nursery.cancel_scope.cancel()
    finally:
        books.close()
