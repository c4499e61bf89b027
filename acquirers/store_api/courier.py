"""The courier: carries letters to webhooks, again and again, until somebody takes them or three days are over.

Letters to one webhook go one at a time in the order in which they were written, so that "captured" never
overtakes "authorized"; a webhook that is down holds up nobody else's. Which letters there are is
`announcements`', how they are signed is `signature`'s.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime

import structlog
import trio

from acquirers.store_api.books import Books
from acquirers.store_api.models import Webhook
from acquirers.store_api.signature import GIVEN_UP_AFTER_S, HEADER, signature, wait_s
from acquirers.vault import Vault
from acquirers.web_client import NoAnswerError, ask

PATIENCE_S = 10.0  # a shop that thinks longer than this should take the letter first and think then

log = structlog.get_logger()


class Courier:
    """Runs beside the API, for as long as it does."""

    def __init__(
        self, books: Books, vault: Vault, utc: Callable[[], datetime], trusting: ssl.SSLContext | None = None
    ) -> None:
        self._books, self._vault, self._utc, self._trusting = books, vault, utc, trusting
        self._letter = trio.Event()
        self._busy: set[str] = set()

    def wake(self) -> None:
        """There is a letter."""
        self._letter.set()

    async def run(self) -> None:
        """Deliver what is due, for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                self._letter = trio.Event()
                for id_, webhook in self._first_due():
                    if webhook not in self._busy:
                        self._busy.add(webhook)
                        nursery.start_soon(self._deliver, id_, webhook)
                with trio.move_on_after(self._pause_s()):
                    await self._letter.wait()

    def _first_due(self) -> list[tuple[int, str]]:
        """The oldest letter of each webhook, where it is due: the ones behind it wait."""
        found = self._books.rows(
            "SELECT min(id), webhook, due FROM deliveries WHERE due IS NOT NULL GROUP BY webhook HAVING due <= ?",
            self._now(),
        )
        return [(id_, webhook) for id_, webhook, _ in found]

    def _pause_s(self) -> float:
        found = self._books.rows("SELECT min(id), webhook, due FROM deliveries WHERE due IS NOT NULL GROUP BY webhook")
        waits = [due - self._now() for _, webhook, due in found if webhook not in self._busy]
        return max(0.05, min(waits, default=float("inf")))

    def _now(self) -> float:
        return self._utc().timestamp()

    async def _deliver(self, id_: int, webhook: str) -> None:
        try:
            row = self._books.row("SELECT document, sealed FROM webhooks WHERE id = ?", webhook)
            if row is None:  # the shop has taken its address back
                self._books.rows("DELETE FROM deliveries WHERE webhook = ?", webhook)
                return
            secret = self._vault.open(row[1], webhook).decode()
            await self._carry(id_, Webhook.model_validate_json(row[0]).url, secret)
        finally:
            self._busy.discard(webhook)
            self._letter.set()

    async def _carry(self, id_: int, url: str, secret: str) -> None:
        row = self._books.row("SELECT body, tries, began, event FROM deliveries WHERE id = ?", id_)
        if row is None:
            return
        text, tries, began, event = row
        body, now = text.encode(), self._now()
        headers = {"Content-Type": "application/json", HEADER: signature(secret, body, int(now))}
        try:
            answer = await ask("POST", url, body=body, headers=headers, trusting=self._trusting, patience_s=PATIENCE_S)
            taken = 200 <= answer.status < 300
        except NoAnswerError:
            taken = False
        if taken:
            self._books.rows("DELETE FROM deliveries WHERE id = ?", id_)
            return
        over = self._now() - began > GIVEN_UP_AFTER_S
        due = None if over else self._now() + wait_s(tries + 1)
        self._books.rows("UPDATE deliveries SET tries = ?, due = ? WHERE id = ?", tries + 1, due, id_)
        log.info("a webhook did not take its letter", letter=event, tries=tries + 1, given_up=over)
