"""The desk: carries a shop's wish to the switch, and writes down every step before and after.

The order is always the same: look and decide, write down what is about to be sent (sealed), send, write
down what came of it, and only then tell the shop. No step waits between looking and writing. So a gateway
that is killed knows at its next start what was out: that is in doubt, and what is in doubt is reversed
(a sale, a refund) or told until it arrives (a capture, a reversal). Nothing is ever sent again as a sale.

HTTP is `app`'s, the page is `hosted_page`'s, what a payment's state may be is `payment`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import structlog
import trio

from acquirers.gateway import Gateway
from acquirers.house import House
from acquirers.merchant import Merchant
from acquirers.points_of_sale import POINTS_OF_SALE
from acquirers.session import Heard, Outcome
from acquirers.store_api import payment as life
from acquirers.store_api.announcements import Announcements
from acquirers.store_api.books import Books, Kept, Sent
from acquirers.store_api.models import (
    CaptureWhen,
    CardShown,
    Channel,
    NewPayment,
    Operation,
    OperationKind,
    OperationStatus,
    Payment,
    PaymentStatus,
    Token,
)
from acquirers.store_api.problem import Problem, explained
from acquirers.transaction import (
    KINDS,
    Order,
    Place,
    Request,
    Stamp,
    make_completion,
    make_repeat,
    make_request,
    make_reversal,
    read_answer,
)
from acquirers.vault import Vault
from protocols import elements as de
from protocols import subelements
from protocols.message import Message
from protocols.money import Amount, UnknownCurrencyError
from protocols.mti import REVERSAL, mti_class
from protocols.pan import Pan

log = structlog.get_logger()

#: Never written down, sealed or not.
FORGOTTEN = (de.PIN_BLOCK, de.TRACK_2)
#: What is told until it arrives when nobody answers; everything else is reversed.
TOLD = frozenset({OperationKind.CAPTURE, OperationKind.REVERSAL})
NOT_AUTHENTICATED = "authentication.failed"  # of a payment that no bank was asked for
_KIND = {CaptureWhen.AUTOMATIC: OperationKind.PURCHASE, CaptureWhen.MANUAL: OperationKind.AUTHORIZATION}
_POINT_OF_SALE = {Channel.ECOMMERCE: "ecommerce", Channel.MOTO: "telephone", Channel.RECURRING: "recurring"}
_MTI = {OperationKind.PURCHASE: "0200", OperationKind.REFUND: "0200", OperationKind.AUTHORIZATION: "0100"}


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A card as it was typed, or as the vault gives it back. Prints nothing of itself."""

    pan: Pan
    expiry: str  # YYMM
    verification_code: str | None = None  # only as typed: it is never kept

    def __repr__(self) -> str:
        return f"<Card {self.pan}>"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the desk is told about itself."""

    base_url: str  # of the hosted page, without a slash at the end
    page_s: float
    finalize_s: float


class Desk:
    """One gateway's desk for all its shops."""

    def __init__(
        self,
        house: House,
        gateway: Gateway,
        books: Books,
        vault: Vault,
        announcements: Announcements,
        terms: Terms,
        nursery: trio.Nursery,
        *,
        utc: Callable[[], datetime],
        new_id: Callable[[str], str],
    ) -> None:
        self.house, self.books, self.vault, self.terms = house, books, vault, terms
        self.announcements = announcements
        self._gateway, self._nursery = gateway, nursery
        self._utc, self._new_id = utc, new_id
        self._settled_early: dict[str, bool] = {}  # advices that arrived before we wrote down that they are owed
        self._deadline_moved = trio.Event()
        gateway.on_paid = self._paid

    # --- looking

    def payment(self, id_: str, merchant: str) -> Kept:
        """A shop's own payment; the problem `not.found` otherwise."""
        kept = self.books.payment(id_, merchant)
        if kept is None:
            raise Problem("not.found")
        return kept

    def token(self, id_: str, merchant: str) -> Token:
        """A shop's own token; the problem `not.found` otherwise."""
        row = self.books.row("SELECT document FROM tokens WHERE id = ? AND merchant = ? AND public", id_, merchant)
        if row is None:
            raise Problem("not.found")
        return Token.model_validate_json(row[0])

    def forget_token(self, id_: str, merchant: str) -> None:
        """The shop may not charge the card any more; what was paid with it can still be sent back."""
        self.token(id_, merchant)
        self.books.rows("UPDATE tokens SET public = 0 WHERE id = ?", id_)

    def merchant(self, id_: str) -> Merchant:
        return self.house.merchants[id_]

    # --- registering

    def register(self, merchant: Merchant, new: NewPayment, key: str | None) -> Kept:
        """Write a payment down, with a page for its buyer unless it is to be paid by token."""
        amount = amount_of(new.amount, new.currency)
        if new.sub_merchant is not None and new.sub_merchant not in {one.id for one in merchant.sub_merchant}:
            raise Problem("sub_merchant.unknown")
        if new.token is not None:
            self._charged_token(new.token, merchant.id)
            self._need_link()
        if new.channel is Channel.RECURRING and new.token is None:
            raise Problem("request.invalid", problems=["token: recurring payments are made with a stored card"])
        page = None if new.token else self._new_id("").strip("_") + self._new_id("").strip("_")
        payment = Payment(
            id=self._new_id("pay"),
            status=PaymentStatus.REGISTERED,
            message=life.MESSAGES[PaymentStatus.REGISTERED],
            merchant=merchant.id,
            sub_merchant=new.sub_merchant,
            amount=amount.text,
            currency=new.currency,
            captured_amount=Amount.zero(new.currency).text,
            refunded_amount=Amount.zero(new.currency).text,
            capture=new.capture,
            channel=new.channel,
            order_reference=new.order_reference,
            description=new.description,
            return_url=new.return_url,
            locale=new.locale,
            page_url=f"{self.terms.base_url}/pay/{page}" if page else None,
            token=new.token,
            store_card=new.store_card,
            created_at=self._utc(),
        )
        deadline = self._utc().timestamp() + self.terms.page_s if page else None
        kept = Kept(payment, page, new.token, key, deadline)
        self.books.keep(kept)
        self._deadline_moved.set()
        return kept

    def _charged_token(self, id_: str, merchant: str) -> None:
        try:
            self.token(id_, merchant)
        except Problem:
            raise Problem("token.unknown") from None

    def finalize(self, kept: Kept) -> Payment:
        """The shop has heard: what was paid stays paid, and a page that is still open is closed."""
        payment = kept.payment
        if payment.status in (PaymentStatus.PROCESSING,):
            raise Problem("payment.state", payment.message)
        if payment.status is PaymentStatus.REGISTERED:
            raise Problem("payment.state", "The buyer has not paid yet.")
        if payment.finalized_at is None:
            payment = payment.model_copy(update={"finalized_at": self._utc(), "page_url": None})
            self._keep(replace(kept, payment=payment, deadline=None), before=kept.payment)
        return payment

    def cancel(self, kept: Kept, status: PaymentStatus = PaymentStatus.CANCELLED) -> Payment:
        """Nobody will pay. Only what no bank holds can be cancelled."""
        if kept.payment.status not in (PaymentStatus.REGISTERED, PaymentStatus.DECLINED):
            raise Problem("payment.state", kept.payment.message)
        update: dict[str, object] = {"page_url": None, "finalized_at": self._utc()}
        if kept.payment.status is PaymentStatus.REGISTERED:
            update |= {"status": status, "message": life.MESSAGES[status]}
        payment = kept.payment.model_copy(update=update)
        self._keep(replace(kept, payment=payment, deadline=None), before=kept.payment)
        return payment

    # --- paying

    def may_try(self, kept: Kept) -> bool:
        """Whether the page takes a card: nobody has paid yet, and not too many cards were tried."""
        is_open = kept.payment.status in (PaymentStatus.REGISTERED, PaymentStatus.DECLINED)
        still_open = is_open and kept.page is not None and kept.payment.finalized_at is None
        return still_open and life.tries(kept.payment) < life.CARDS_TRIED_MAX

    async def pay_with(
        self, kept: Kept, card: Card, *, store: bool = False, authentication: Mapping[str, str] | None = None
    ) -> Ended:
        """Ask the bank, with a card that was typed on the page. `authentication`: DE 48 parts of the issuer's say."""
        if not self.may_try(kept):
            raise Problem("payment.state", kept.payment.message)
        self._need_link()
        shown = CardShown(masked=card.pan.masked, expiry=card.expiry)
        id_ = self._new_id("tok")
        token = Token(id=id_, card=shown, created_at=self._utc())
        with self.books.together():
            self.books.rows(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?)",
                *(id_, kept.payment.merchant, 0, self._sealed_card(card, id_), token.model_dump_json()),
            )
            payment = kept.payment.model_copy(update={"card": shown, "token": id_ if store else None})
            kept = replace(kept, payment=payment, card=id_)
            asked = self._sale(kept, card, authentication or {})
        return await self._end_of(asked)

    def not_authenticated(self, kept: Kept, card: Card) -> Payment:
        """The bank could not make sure of the holder: declined, and nobody was asked for money. It is a card tried."""
        if not self.may_try(kept):
            raise Problem("payment.state", kept.payment.message)
        operation = Operation(
            id=self._new_id("op"),
            kind=_KIND[kept.payment.capture],
            status=OperationStatus.DECLINED,
            amount=kept.payment.amount,
            reason=NOT_AUTHENTICATED,
            explanation="The bank could not make sure that the cardholder was there. Nothing was asked of it.",
            at=self._utc(),
        )
        shown = CardShown(masked=card.pan.masked, expiry=card.expiry)
        payment = life.with_operation(kept.payment.model_copy(update={"card": shown}), operation)
        self._keep(replace(kept, payment=payment), before=kept.payment)
        return payment

    async def pay_by_token(self, kept: Kept) -> Ended:
        """Ask the bank, with a card that the vault keeps."""
        self._need_link()
        card = self.card_of(kept)
        shown = CardShown(masked=card.pan.masked, expiry=card.expiry)
        with self.books.together():
            kept = replace(kept, payment=kept.payment.model_copy(update={"card": shown}))
            asked = self._sale(kept, card, {})
        return await self._end_of(asked)

    def card_of(self, kept: Kept) -> Card:
        """The card that pays, out of the vault."""
        row = self.books.row("SELECT sealed FROM tokens WHERE id = ?", kept.card)
        if kept.card is None or row is None:
            raise Problem("payment.state", "No card has paid this.")
        pan, expiry = self.vault.open(row[0], kept.card).decode().split("=")
        return Card(Pan(pan), expiry)

    def _sealed_card(self, card: Card, about: str) -> bytes:
        return self.vault.seal(f"{card.pan.clear()}={card.expiry}".encode(), about)

    def _sale(self, kept: Kept, card: Card, authentication: Mapping[str, str]) -> _Asked:
        payment = kept.payment
        kind = _KIND[payment.capture]
        amount = Amount.parse(payment.amount, payment.currency)
        order = Order(
            KINDS["purchase"],
            card.pan,
            amount,
            expiry=card.expiry,
            card_verification_code=card.verification_code,
            sub_merchant=payment.sub_merchant,
            message=_MTI[kind],
            private_data=authentication,
        )
        return self._begin(kept, kind, amount, self._made(order, payment), eci=authentication.get("42"))

    def _made(self, order: Order, payment: Payment) -> Request:
        merchant = self.merchant(payment.merchant)
        place = Place(merchant, merchant.terminals[0], POINTS_OF_SALE[_POINT_OF_SALE[payment.channel]])
        return make_request(order, place, self.house, self._gateway.stamp())

    # --- afterwards

    async def capture(self, kept: Kept, amount: Amount | None, part: tuple[int, int] | None, key: str | None) -> Ended:
        """Take what was held, or a part of it."""
        if kept.payment.capture is not CaptureWhen.MANUAL:
            raise Problem("payment.state", "This payment was captured as it was paid.")
        if kept.payment.status not in (PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_CAPTURED):
            raise Problem("payment.state", kept.payment.message)
        left = life.capturable(kept.payment)
        amount = left if amount is None else amount
        if not 0 < amount.minor <= left.minor:
            raise Problem("amount.above_authorized", f"{left} is left.")
        if part is None and life.captured(kept.payment):
            raise Problem("payment.state", "It was captured, and what was left was let go.")
        self._need_link()
        sent, answer = self._request_of_sale(kept)
        request = make_completion(sent, self._gateway.stamp(), amount, answer)
        if part is not None:
            private = subelements.pack({subelements.COMPLETION_PART: f"{part[0]:02d}{part[1]:02d}"})
            request = Request(request.mti, dict(sorted({**request.values, de.PRIVATE_DATA: private}.items())))
        with self.books.together():
            asked = self._begin(kept, OperationKind.CAPTURE, amount, request, key=key)
        return await self._end_of(asked)

    async def reverse(self, kept: Kept, amount: Amount | None, key: str | None) -> Ended:
        """Undo it: all of it, or a part of what is held."""
        payment = kept.payment
        held = life.authorized(payment)
        if not held or life.refunded(payment) or (payment.capture is CaptureWhen.MANUAL and life.captured(payment)):
            raise Problem("payment.state", "Only what is held or paid, and neither captured nor refunded, is undone.")
        amount = held if amount is None else amount
        if not 0 < amount.minor <= held.minor:
            raise Problem("amount.above_authorized", f"{held} is left.")
        self._need_link()
        request, answer = self._request_of_sale(kept)
        left = held - amount
        reason = "reversal.partial" if left else "reversal.merchant"
        made = make_reversal(
            request, self._gateway.stamp(), mti="0400", reason=reason, answer=answer, left=left if left else None
        )
        with self.books.together():
            asked = self._begin(replace(kept, deadline=None), OperationKind.REVERSAL, amount, made, key=key)
        return await self._end_of(asked)

    async def refund(self, kept: Kept, amount: Amount | None, key: str | None) -> Ended:
        """Send money back to the card that paid."""
        if not life.captured(kept.payment):
            raise Problem("payment.state", kept.payment.message)
        left = life.refundable(kept.payment)
        amount = left if amount is None else amount
        if not 0 < amount.minor <= left.minor:
            raise Problem("amount.above_captured", f"{left} is left.")
        self._need_link()
        card, payment = self.card_of(kept), kept.payment
        order = Order(
            KINDS["refund"],
            card.pan,
            amount,
            expiry=card.expiry,
            sub_merchant=payment.sub_merchant,
            message=_MTI[OperationKind.REFUND],
        )
        with self.books.together():
            asked = self._begin(kept, OperationKind.REFUND, amount, self._made(order, payment), key=key)
        return await self._end_of(asked)

    def _request_of_sale(self, kept: Kept) -> tuple[Request, Operation]:
        """The sale as it was sent, with DE 37 and 38 as they were answered."""
        sale = life.sale_of(kept.payment)
        sent = self.books.message(sale.id) if sale else None
        if sale is None or sent is None:
            raise Problem("payment.state", kept.payment.message)
        request = self._opened(sent.request, sent.id)
        values = {**request.values, de.RRN: sale.rrn, de.APPROVAL_CODE: sale.approval_code}
        known = {number: value for number, value in values.items() if value is not None}
        return Request(request.mti, known), sale

    # --- sending, and what comes of it

    def _need_link(self) -> None:
        if not self._gateway.is_signed_on:
            raise Problem("switch.unreachable")

    def _begin(
        self,
        kept: Kept,
        kind: OperationKind,
        amount: Amount,
        request: Request,
        *,
        key: str | None = None,
        eci: str | None = None,
    ) -> _Asked:
        """Write down what is about to go out, with the payment that it belongs to; within the caller's transaction."""
        operation = Operation(
            id=self._new_id("op"),
            kind=kind,
            status=OperationStatus.SENT,
            amount=amount.text,
            stan=request.stan,
            eci=eci,
            at=self._utc(),
        )
        sealed = self._sealed(request, operation.id)
        self.books.send(Sent(operation.id, kept.payment.id, request.stan, "sent", key or kept.key, sealed))
        self._keep(replace(kept, payment=life.with_operation(kept.payment, operation)), before=kept.payment)
        return _Asked(operation.id, kept.payment.id, request, trio.Event())

    async def _end_of(self, asked: _Asked) -> Ended:
        """The payment once the outcome is on disk. Whoever waits may go: the outcome is written down all the same."""
        self._nursery.start_soon(self._carry, asked)
        await asked.done.wait()
        kept = self.books.payment(asked.payment)
        operation = life.operation_of(kept.payment, asked.operation) if kept else None
        assert kept is not None  # payments are never deleted
        assert operation is not None
        return Ended(kept.payment, operation)

    async def _carry(self, asked: _Asked) -> None:
        try:
            heard = await self._gateway.ask(asked.request)
            self._settle(asked, heard)
        finally:
            asked.done.set()

    def _settle(self, asked: _Asked, heard: Heard) -> None:
        """The outcome, on disk."""
        sent = self.books.message(asked.operation)
        assert sent is not None
        if heard.answer is not None:
            status = OperationStatus.APPROVED if heard.outcome is Outcome.APPROVED else OperationStatus.DECLINED
            self._ended(sent, status, heard.answer)
        elif advice := self._advice_about(asked.request):
            self._owed(sent, advice)
        elif (taken := self._settled_early.pop(_about(asked.request), None)) is not None:
            self._ended(sent, self._status_when_paid(sent, taken))
        else:
            self._ended(sent, OperationStatus.NOT_SENT)

    def _advice_about(self, request: Request) -> Request | None:
        """What the session owes because of a request that nobody answered."""
        return next((advice for advice in self._gateway.owed if _about(advice) == _about(request)), None)

    def _owed(self, sent: Sent, advice: Request) -> None:
        sealed = self._sealed(advice, sent.id)
        with self.books.together():
            self.books.send(replace(sent, state="owed", advice=sealed, advice_stan=advice.stan))
            self._update(sent, {"status": OperationStatus.UNKNOWN})

    def _ended(self, sent: Sent, status: OperationStatus, answer: Message | None = None) -> None:
        with self.books.together():
            self.books.send(replace(sent, state="done"))
            self._update(sent, {"status": status} | (_said(answer) if answer is not None else {}))

    def _paid(self, advice: Request, taken: bool) -> None:
        """The switch has acknowledged what was owed, or refused it for good."""
        sent = self.books.message_owed(advice.stan)
        if sent is None:
            self._settled_early[_about(advice)] = taken
            return
        self._ended(sent, self._status_when_paid(sent, taken))

    def _status_when_paid(self, sent: Sent, taken: bool) -> OperationStatus:
        if not taken:
            return OperationStatus.PARKED
        operation = self._operation(sent)
        return OperationStatus.APPROVED if operation.kind in TOLD else OperationStatus.REVERSED

    def _operation(self, sent: Sent) -> Operation:
        kept = self.books.payment(sent.payment)
        operation = life.operation_of(kept.payment, sent.id) if kept else None
        assert operation is not None  # both were written in one transaction
        return operation

    def _update(self, sent: Sent, changes: Mapping[str, object]) -> None:
        kept = self.books.payment(sent.payment)
        assert kept is not None
        operation = self._operation(sent).model_copy(update=dict(changes))
        payment = life.with_operation(kept.payment, operation)
        kept_on = replace(kept, payment=payment)
        if payment.status not in (PaymentStatus.REGISTERED, PaymentStatus.DECLINED):
            kept_on = replace(kept_on, payment=payment.model_copy(update={"page_url": None}))
            if kept.page and kept.payment.finalized_at is None and operation.kind in life.SALES:
                kept_on = replace(kept_on, deadline=self._utc().timestamp() + self.terms.finalize_s)
        if payment.token and operation.kind in life.SALES and operation.status is OperationStatus.APPROVED:
            self.books.rows("UPDATE tokens SET public = 1 WHERE id = ?", payment.token)
        self._keep(kept_on, before=kept.payment)
        self._deadline_moved.set()

    def _keep(self, kept: Kept, before: Payment) -> None:
        """The payment as it is now, and the news of it for whoever wants to be told."""
        with self.books.together():
            self.books.keep(kept)
            self.announcements.announce(before, kept.payment, self._utc())

    # --- sealing

    def _sealed(self, request: Request, about: str) -> bytes:
        """A message as it may be kept: without the card verification code, and not in clear."""
        values = {number: value for number, value in request.values.items() if number not in FORGOTTEN}
        if private := values.get(de.PRIVATE_DATA):
            values[de.PRIVATE_DATA] = subelements.without_secrets(private)
        document = {"mti": request.mti, "values": {str(number): value for number, value in values.items()}}
        return self.vault.seal(json.dumps(document).encode(), about)

    def _opened(self, sealed: bytes, about: str) -> Request:
        document = json.loads(self.vault.open(sealed, about))
        return Request(document["mti"], {int(number): value for number, value in document["values"].items()})

    # --- a new life

    def resume(self) -> int:
        """Take on what an earlier life left open: what it owed, and what it had sent and heard nothing of."""
        messages = self.books.messages_open()
        for sent in messages:
            if sent.state == "owed" and sent.advice is not None:
                self._gateway.owe(make_repeat(self._opened(sent.advice, sent.id)))
            else:
                advice = self._advice_for(self._opened(sent.request, sent.id), self._operation(sent).kind)
                self._owed(sent, advice)
                self._gateway.owe(advice)
        return len(messages)

    def _advice_for(self, request: Request, kind: OperationKind) -> Request:
        """What is owed for a message that went out in an earlier life, or was about to."""
        if kind is OperationKind.CAPTURE:
            return make_repeat(request)
        stamp: Stamp = self._gateway.stamp()
        if kind is OperationKind.REVERSAL:
            numbered = {de.STAN: stamp.stan, de.TRANSMITTED_AT: stamp.transmitted_at}
            return Request("0420", {**request.values, **numbered})
        return make_reversal(request, stamp, reason="reversal.timeout")

    # --- what time brings

    async def watch_deadlines(self) -> None:
        """Pages that nobody came to expire; what a shop never heard of is reversed."""
        while True:
            self._deadline_moved = trio.Event()
            for kept in self.books.payments_due(self._utc().timestamp()):
                await self._over(kept)
            row = self.books.row("SELECT min(deadline) FROM payments WHERE deadline IS NOT NULL")
            due = row[0] if row else None
            patience = max(0.05, due - self._utc().timestamp()) if due is not None else float("inf")
            with trio.move_on_after(patience):
                await self._deadline_moved.wait()

    async def _over(self, kept: Kept) -> None:
        status = kept.payment.status
        if status in (PaymentStatus.REGISTERED, PaymentStatus.DECLINED):
            self.cancel(kept, PaymentStatus.EXPIRED)
        elif status in (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED):
            log.info("reversed, for the shop never heard of it", payment=kept.payment.id)
            try:
                await self.reverse(kept, None, None)
            except Problem:  # no link: again in a while
                self.books.keep(replace(kept, deadline=self._utc().timestamp() + 5.0))
        else:
            self.books.keep(replace(kept, deadline=None))


class Ended(NamedTuple):
    """What became of an operation, and its payment as it is now: others may have begun and ended meanwhile."""

    payment: Payment
    operation: Operation


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Asked:
    """A message on its way, and who waits for its end."""

    operation: str
    payment: str
    request: Request
    done: trio.Event


def _about(request: Request) -> str:
    """What a message is about: the original that it names, or itself."""
    original = request.values.get(de.ORIGINAL) if mti_class(request.mti) == REVERSAL else None
    return original or request.original.text


def _said(answer: Message) -> dict[str, object]:
    """What an answer says, as an operation tells it."""
    verdict = read_answer(answer)
    approved = verdict.amount.text if verdict.is_approval and verdict.amount is not None else None
    told: dict[str, object] = {
        "approved_amount": approved,
        "response_code": verdict.response_code,
        "reason": verdict.reason,
        "approval_code": verdict.approval_code,
        "rrn": verdict.rrn,
    }
    if not verdict.is_approval:
        told["explanation"] = explained(verdict.response_code, verdict.reason)
    return told


def amount_of(text: str, currency: str) -> Amount:
    """An amount that somebody may be asked to pay; the problem `amount.invalid` otherwise."""
    try:
        amount = Amount.parse(text, currency)
        amount.digits()
    except UnknownCurrencyError:
        raise Problem("amount.invalid", "There is no such currency.") from None
    except ValueError as error:
        raise Problem("amount.invalid", str(error)) from None
    if not amount:
        raise Problem("amount.invalid", "The amount is zero.")
    return amount
