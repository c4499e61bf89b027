"""The market's work: orders are placed, paid, learned of and refunded. Pages and letters ask for it by name.

Every step can be done again after a crash: an order is on disk before its payment is registered, the payment's
Idempotency-Key is made of the order, and how a payment stands is always asked, never remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from acquirers.souk.books import Books
from acquirers.souk.client import NotReachedError, RefusedError, StoreClient
from acquirers.souk.order import Order, State, learned
from acquirers.souk.settings import Offer, Seller, SoukFile, is_price
from protocols.money import Amount

QUANTITY_MAX: Final = 20  # of one thing in one order
WEBHOOK: Final = "webhook"
SECRET: Final = "webhook secret"


class Market:
    """One store. `new_id` gives a name that nobody guesses."""

    def __init__(
        self,
        file: SoukFile,
        books: Books,
        client: StoreClient,
        base_url: str,
        utc: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self.file, self.books, self.base_url = file, books, base_url
        self._client, self._utc, self._new_id = client, utc, new_id
        self.sellers = {one.user: one for one in file.sellers}

    # Buying

    async def buy(self, good: int, quantity: int, buyer: str, locale: str) -> Order | None:
        """An order, with the page on which to pay it if the gateway could be reached; None: there are not enough."""
        offer = self.books.good(good)
        if offer is None or not 1 <= quantity <= QUANTITY_MAX:
            return None
        seller = self.sellers[offer.seller]
        price = Amount.parse(offer.price, seller.currency)
        order = Order(
            id=self._new_id(),
            buyer=named(buyer),
            seller=offer.seller,
            good=good,
            title=offer.title_ar if locale == "ar" and offer.title_ar else offer.title,
            quantity=quantity,
            amount=Amount(price.minor * quantity, price.currency).text,
            currency=seller.currency,
            locale=locale,
            at=self._utc().isoformat(timespec="seconds"),
        )
        return await self.register(order) if self.books.place(order) else None

    async def register(self, order: Order) -> Order:
        """Its payment, also where it was registered before and we did not hear."""
        if order.state is not State.NEW:
            return order
        seller = self.sellers[order.seller]
        try:
            payment = await self._client.register(
                f"order-{order.id}",
                amount=order.amount,
                currency=order.currency,
                order_reference=order.id[:8].upper(),
                description=f"{order.quantity} × {order.title}",
                return_url=f"{self.base_url}/orders/{order.id}/back",
                locale=order.locale,
                sub_merchant=seller.sub_merchant,
            )
        except (NotReachedError, RefusedError):
            return order
        return self._keep(order, payment)

    async def look(self, order: Order, *, is_back: bool = False) -> Order:
        """How it stands now; and the gateway is told that we know. `is_back`: the buyer has left the page."""
        if order.payment is None:
            return order
        try:
            payment = await self._client.payment(order.payment)
            is_paid = payment["status"] in ("captured", "authorized")
            if "finalized_at" not in payment and (is_paid or (is_back and payment["status"] == "declined")):
                payment = await self._client.finalize(order.payment, f"finalize-{order.id}")
        except (NotReachedError, RefusedError):
            return self.books.order(order.id) or order
        return self._keep(order, payment)

    def _keep(self, order: Order, payment: dict[str, Any]) -> Order:
        after = learned(self.books.order(order.id) or order, payment)
        self.books.keep(after)
        return after

    # Selling

    def offer(self, seller: Seller, form: dict[str, str], id_: int | None) -> int | None:
        """A good as the seller's form has it; None where it is not one, or another seller's."""
        before = self.books.good(id_) if id_ is not None else None
        if id_ is not None and (before is None or before.seller != seller.user):
            return None
        try:
            wish = {name: form.get(name, "") for name in ("title", "title_ar", "about", "about_ar", "price", "picture")}
            offer = Offer.model_validate({**wish, "seller": seller.user, "stock": int(form.get("stock", ""))})
        except ValueError:
            return None
        return self.books.keep_good(id_, offer) if is_price(offer.price, seller.currency) else None

    async def refund(self, order: Order, amount: str, key: str) -> str:
        """Send money back; what came of it, as a word of `words`."""
        if not order.may_refund or order.payment is None or not is_price(amount, order.currency):
            return "refund.wrong"
        if Amount.parse(amount, order.currency).minor > order.left.minor:
            return "refund.wrong"
        try:
            self._keep(order, await self._client.refund(order.payment, amount, f"refund-{key}"))
        except NotReachedError:
            await self.look(order)
            return "refund.later"
        except RefusedError as refused:
            if refused.payment is not None:
                self._keep(order, refused.payment)
            return _REFUSED.get(refused.slug, "refund.refused")
        return "refund.done"

    # News

    async def news(self, payment: str) -> bool:
        """There is news of a payment; whether we could learn of it."""
        order = self.books.order_paid_by(payment)
        if order is None:
            return True  # not ours any more: no reason to be told again
        try:
            self._keep(order, await self._client.payment(payment))
        except RefusedError:
            return True
        except NotReachedError:
            return False
        await self.look(order)
        return True

    async def subscribe(self) -> None:
        """Be told of news; once in the books' life, unless the gateway has forgotten. NotReachedError: try again."""
        known = {one["id"] for one in await self._client.webhooks()}
        if self.books.fact(WEBHOOK) in known:
            return
        made = await self._client.add_webhook(f"{self.base_url}/webhook", f"webhook-{self._new_id()}")
        self.books.note(WEBHOOK, made["id"])
        self.books.note(SECRET, made["secret"])

    async def catch_up(self) -> None:
        """Ask about everything that may have moved while we were away."""
        for order in self.books.unsettled():
            await self.look(order)


_REFUSED: Final = {"outcome.unknown": "refund.unknown", "payment.declined": "refund.declined"}


def named(buyer: str) -> str:
    """How the books know a buyer: the cookie's value is worth something, this is not."""
    return hashlib.sha256(buyer.encode()).hexdigest()[:32]
