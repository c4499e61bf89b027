"""The store API as a shop uses it: a few calls, each with a key of its own for doing it once.

Good for copying. What is repeated is repeated under the same Idempotency-Key, so nothing happens twice.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from acquirers.web_client import NoAnswerError, WebAnswer

Document = dict[str, Any]


class Ask(Protocol):
    """Something that speaks HTTP."""

    def __call__(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> Awaitable[WebAnswer]: ...


class NotReachedError(Exception):
    """Nobody answered, or nobody could: nothing is known to have happened. The same again, later."""


class RefusedError(Exception):
    """The API says no (problem+json). `slug` is for programs; `payment` is how the payment stands, where it says."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.slug = str(document.get("slug", "unreadable"))
        self.payment: Document | None = document.get("payment")
        super().__init__(self.slug)


class StoreClient:
    """One shop's."""

    def __init__(self, base_url: str, key: str, ask: Ask) -> None:
        self._base_url, self._key, self._ask = base_url, key, ask

    def __repr__(self) -> str:
        return f"<StoreClient of {self._base_url}>"

    async def register(self, key: str, **wish: Any) -> Document:
        """A payment, with a page for the buyer."""
        return await self._say("POST", "/v1/payments", {k: v for k, v in wish.items() if v is not None}, key)

    async def payment(self, id_: str) -> Document:
        return await self._say("GET", f"/v1/payments/{id_}")

    async def finalize(self, id_: str, key: str) -> Document:
        """We have heard: without this a payment is reversed after a while, because nobody would deliver."""
        return await self._say("POST", f"/v1/payments/{id_}/finalize", {}, key)

    async def refund(self, id_: str, amount: str | None, key: str) -> Document:
        return await self._say("POST", f"/v1/payments/{id_}/refund", {"amount": amount} if amount else {}, key)

    async def webhooks(self) -> list[Document]:
        found: list[Document] = (await self._say("GET", "/v1/webhooks"))["webhooks"]
        return found

    async def add_webhook(self, url: str, key: str) -> Document:
        """Its `secret` is told this once."""
        return await self._say("POST", "/v1/webhooks", {"url": url}, key)

    async def _say(self, method: str, path: str, body: Any = None, key: str | None = None) -> Document:
        headers = {"Authorization": f"Bearer {self._key}"}
        if key is not None:
            headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
        raw = b"" if body is None else json.dumps(body).encode()
        try:
            answer = await self._ask(method, self._base_url + path, body=raw, headers=headers)
            document: Document = json.loads(answer.body)
        except (NoAnswerError, ValueError):
            raise NotReachedError from None
        if answer.status in (500, 503):
            raise NotReachedError
        if answer.status >= 400:
            raise RefusedError(document)
        return document
