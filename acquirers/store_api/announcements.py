"""Announcements: which news of a payment goes to which webhook, and the letters that wait to be delivered.

A letter is written in the transaction in which the payment changes, so no news is lost to a crash, and none is
told of what did not happen. Pure but for the books; carrying the letters is `courier`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from acquirers.store_api.books import Books
from acquirers.store_api.models import Event, EventBody, Payment, PaymentStatus, Webhook

EVENTS: Final[Mapping[PaymentStatus, Event]] = {
    PaymentStatus.AUTHORIZED: Event.AUTHORIZED,
    PaymentStatus.PARTIALLY_CAPTURED: Event.CAPTURED,
    PaymentStatus.CAPTURED: Event.CAPTURED,
    PaymentStatus.PARTIALLY_REFUNDED: Event.REFUNDED,
    PaymentStatus.REFUNDED: Event.REFUNDED,
    PaymentStatus.DECLINED: Event.DECLINED,
    PaymentStatus.UNKNOWN: Event.UNKNOWN,
    PaymentStatus.REVERSED: Event.REVERSED,
    PaymentStatus.EXPIRED: Event.EXPIRED,
}


def news(before: Payment, after: Payment) -> Event | None:
    """What happened between two states of a payment, if it is worth a letter."""
    if _told(before) == _told(after):
        return None
    return EVENTS.get(after.status)


def _told(payment: Payment) -> tuple[str, str, str]:
    return payment.status, payment.captured_amount, payment.refunded_amount


class Announcements:
    """Writes the letters."""

    def __init__(self, books: Books, new_id: Callable[[str], str]) -> None:
        self._books, self._new_id = books, new_id
        self.on_letter: Callable[[], None] = lambda: None  # somebody carries them

    def announce(self, before: Payment, after: Payment, at: datetime) -> None:
        """Within the transaction in which the payment changes."""
        event = news(before, after)
        if event is None:
            return
        letter = EventBody(
            id=self._new_id("evt"), type=event, at=at, payment=after.model_copy(update={"page_url": None})
        )
        body, now = letter.model_dump_json(exclude_none=True), at.timestamp()
        for (document,) in self._books.rows("SELECT document FROM webhooks WHERE merchant = ?", after.merchant):
            webhook = Webhook.model_validate_json(document)
            if event in webhook.events:
                self._books.rows(
                    "INSERT INTO deliveries (webhook, event, body, due, began) VALUES (?, ?, ?, ?, ?)",
                    *(webhook.id, letter.id, body, now, now),
                )
        self.on_letter()
