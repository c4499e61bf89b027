"""The endpoints of the store API, one row each; what each does is a few lines that ask the desk or the office."""

from __future__ import annotations

import re
from typing import Final

from acquirers.store_api.desk import amount_of
from acquirers.store_api.endpoint import Call, Endpoint, Query
from acquirers.store_api.models import (
    ApiKey,
    ApiKeyList,
    Capture,
    Finalize,
    NewKey,
    NewPayment,
    NewWebhook,
    Payment,
    PaymentList,
    Refund,
    Reverse,
    Token,
    Webhook,
    WebhookList,
)
from acquirers.store_api.problem import Problem
from acquirers.store_api.scope import Scope
from acquirers.store_api.verdict import judge
from protocols.money import Amount

PAGE_MAX: Final = 100  # payments in one answer
REFERENCE_MAX: Final = 140  # characters, as of a new payment
_PAYMENT_ID: Final = re.compile(r"pay_[a-z2-7]{26}")


async def register_payment(call: Call) -> Payment:
    """Registered; and with a token asked of the bank at once."""
    kept = call.office.desk.register(call.merchant, call.body, call.key)
    if call.body.token is None:
        return kept.payment
    return judge(*await call.office.desk.pay_by_token(kept))


async def list_payments(call: Call) -> PaymentList:
    most = _limit(call.query.get("limit", "20"))
    after = call.query.get("after")
    if after is not None and not _PAYMENT_ID.fullmatch(after):
        raise Problem("request.invalid", problems=["after: not the id of a payment"])
    reference = call.query.get("order_reference")
    if reference is not None and len(reference) > REFERENCE_MAX:
        raise Problem("request.invalid", problems=[f"order_reference: at most {REFERENCE_MAX} characters"])
    found = call.office.books.payments_of(call.merchant.id, reference, after, most)
    last = found[-1].payment.id if len(found) == most else None
    return PaymentList(payments=tuple(kept.payment for kept in found), next_after=last)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= PAGE_MAX):
        raise Problem("request.invalid", problems=[f"limit: a number from 1 to {PAGE_MAX}"])
    return int(text)


async def show_payment(call: Call) -> Payment:
    return call.office.desk.payment(call.path["payment"], call.merchant.id).payment


async def finalize_payment(call: Call) -> Payment:
    desk = call.office.desk
    return desk.finalize(desk.payment(call.path["payment"], call.merchant.id))


async def cancel_payment(call: Call) -> Payment:
    desk = call.office.desk
    return desk.cancel(desk.payment(call.path["payment"], call.merchant.id))


async def capture_payment(call: Call) -> Payment:
    if (call.body.part is None) != (call.body.parts is None) or (call.body.part or 0) > (call.body.parts or 0):
        raise Problem("request.invalid", problems=["part: which of how many, so `part` and `parts`, or neither"])
    desk = call.office.desk
    kept = desk.payment(call.path["payment"], call.merchant.id)
    part = (call.body.part, call.body.parts) if call.body.part is not None else None
    return judge(*await desk.capture(kept, _amount(call, kept.payment), part, call.key))


async def reverse_payment(call: Call) -> Payment:
    desk = call.office.desk
    kept = desk.payment(call.path["payment"], call.merchant.id)
    return judge(*await desk.reverse(kept, _amount(call, kept.payment), call.key))


async def refund_payment(call: Call) -> Payment:
    desk = call.office.desk
    kept = desk.payment(call.path["payment"], call.merchant.id)
    return judge(*await desk.refund(kept, _amount(call, kept.payment), call.key))


def _amount(call: Call, payment: Payment) -> Amount | None:
    return None if call.body.amount is None else amount_of(call.body.amount, payment.currency)


async def show_token(call: Call) -> Token:
    return call.office.desk.token(call.path["token"], call.merchant.id)


async def forget_token(call: Call) -> None:
    call.office.desk.forget_token(call.path["token"], call.merchant.id)


async def add_webhook(call: Call) -> Webhook:
    return call.office.make_webhook(call.merchant.id, call.body)


async def list_webhooks(call: Call) -> WebhookList:
    return WebhookList(webhooks=tuple(call.office.webhooks(call.merchant.id)))


async def remove_webhook(call: Call) -> None:
    call.office.remove_webhook(call.merchant.id, call.path["webhook"])


async def make_key(call: Call) -> ApiKey:
    return call.office.make_key(call.merchant.id, call.body, call.scopes)


async def list_keys(call: Call) -> ApiKeyList:
    return ApiKeyList(keys=tuple(call.office.keys(call.merchant.id)))


async def revoke_key(call: Call) -> None:
    call.office.revoke(call.merchant.id, call.path["key"])


_MONEY = ("payment.state", "payment.declined", "outcome.unknown", "switch.unreachable", "amount.invalid")
_LISTED = (
    Query("limit", {"type": "integer", "minimum": 1, "maximum": PAGE_MAX}, "How many at most; 20 unless said."),
    Query("after", {"type": "string", "pattern": r"^pay_[a-z2-7]{26}$"}, "Older than this one."),
    Query("order_reference", {"type": "string", "maxLength": REFERENCE_MAX}, "Only those of this order."),
)

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(
        "POST", "/v1/payments", Scope.WRITE, "Register a payment, or pay by token at once", register_payment,
        Payment, NewPayment, 201, ("token.unknown", "sub_merchant.unknown", *_MONEY),
    ),
    Endpoint("GET", "/v1/payments", Scope.READ, "The newest payments", list_payments, PaymentList, query=_LISTED),
    Endpoint("GET", "/v1/payments/{payment}", Scope.READ, "A payment as it is now", show_payment, Payment),
    Endpoint(
        "POST", "/v1/payments/{payment}/finalize", Scope.WRITE, "Say that you have heard of the outcome",
        finalize_payment, Payment, Finalize, 200, ("payment.state",),
    ),
    Endpoint(
        "POST", "/v1/payments/{payment}/cancel", Scope.WRITE, "Close the page: nobody will pay",
        cancel_payment, Payment, Finalize, 200, ("payment.state",),
    ),
    Endpoint(
        "POST", "/v1/payments/{payment}/capture", Scope.WRITE, "Take what is held, or a part",
        capture_payment, Payment, Capture, 200, ("amount.above_authorized", *_MONEY),
    ),
    Endpoint(
        "POST", "/v1/payments/{payment}/reverse", Scope.WRITE, "Undo it, as if it had not been",
        reverse_payment, Payment, Reverse, 200, ("amount.above_authorized", *_MONEY),
    ),
    Endpoint(
        "POST", "/v1/payments/{payment}/refund", Scope.REFUND, "Send money back to the card",
        refund_payment, Payment, Refund, 200, ("amount.above_captured", *_MONEY),
    ),
    Endpoint("GET", "/v1/tokens/{token}", Scope.TOKENS, "A stored card", show_token, Token),
    Endpoint("DELETE", "/v1/tokens/{token}", Scope.TOKENS, "Forget a stored card", forget_token, None, status=204),
    Endpoint(
        "POST", "/v1/webhooks", Scope.WEBHOOKS, "Be told of news", add_webhook, Webhook, NewWebhook, 201, ("too.many",)
    ),
    Endpoint("GET", "/v1/webhooks", Scope.WEBHOOKS, "Who is told", list_webhooks, WebhookList),
    Endpoint(
        "DELETE", "/v1/webhooks/{webhook}", Scope.WEBHOOKS, "Tell it no more", remove_webhook, None, status=204
    ),
    Endpoint("POST", "/v1/keys", Scope.KEYS, "Make an API key", make_key, ApiKey, NewKey, 201, ("too.many",)),
    Endpoint("GET", "/v1/keys", Scope.KEYS, "The keys made here", list_keys, ApiKeyList),
    Endpoint("DELETE", "/v1/keys/{key}", Scope.KEYS, "Revoke an API key", revoke_key, None, status=204),
)  # fmt: skip
