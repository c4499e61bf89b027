"""A payment's life: what state its operations add up to, and what may be done with it next.

Pure. A payment is never told what state it is in: the state is what its operations say, so the two
cannot disagree. What is on its way or unknown counts as spent, because it may have happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from acquirers.store_api.models import CaptureWhen, Operation, OperationKind, OperationStatus, Payment, PaymentStatus
from protocols.money import Amount

SALES: Final = frozenset({OperationKind.PURCHASE, OperationKind.AUTHORIZATION})
#: Of a capture or a refund: it happened, or it may have.
COUNTS: Final = frozenset(
    {OperationStatus.SENT, OperationStatus.APPROVED, OperationStatus.UNKNOWN, OperationStatus.PARKED}
)
CARDS_TRIED_MAX: Final = 3  # a buyer mistypes twice; whoever comes a fourth time is trying cards

MESSAGES: Final[Mapping[PaymentStatus, str]] = {
    PaymentStatus.REGISTERED: "Waits for the buyer.",
    PaymentStatus.PROCESSING: "The bank is being asked.",
    PaymentStatus.AUTHORIZED: "The amount is held; capture it.",
    PaymentStatus.PARTIALLY_CAPTURED: "A part of the held amount was captured.",
    PaymentStatus.CAPTURED: "Paid.",
    PaymentStatus.PARTIALLY_REFUNDED: "Paid, and a part was sent back.",
    PaymentStatus.REFUNDED: "Paid, and all of it was sent back.",
    PaymentStatus.DECLINED: "The bank declined.",
    PaymentStatus.UNKNOWN: "Unknown, being reversed: nobody answered in time. Hand over nothing.",
    PaymentStatus.REVERSED: "Reversed: nothing was taken.",
    PaymentStatus.CANCELLED: "Cancelled before anything was asked of a bank.",
    PaymentStatus.EXPIRED: "Nobody came in time. Nothing was taken.",
}

_OF_SALE: Final[Mapping[OperationStatus, PaymentStatus]] = {
    OperationStatus.SENT: PaymentStatus.PROCESSING,
    OperationStatus.DECLINED: PaymentStatus.DECLINED,
    OperationStatus.NOT_SENT: PaymentStatus.REGISTERED,
    OperationStatus.UNKNOWN: PaymentStatus.UNKNOWN,
    OperationStatus.PARKED: PaymentStatus.UNKNOWN,
    OperationStatus.REVERSED: PaymentStatus.REVERSED,
}


def sale_of(payment: Payment) -> Operation | None:
    """The purchase or authorization that counts: the last one."""
    return next((one for one in reversed(payment.operations) if one.kind in SALES), None)


def operation_of(payment: Payment, id_: str) -> Operation | None:
    return next((one for one in payment.operations if one.id == id_), None)


def authorized(payment: Payment) -> Amount:
    """What the bank has approved: less than was asked, where it approved a part; less what was taken back."""
    sale = sale_of(payment)
    if sale is None or sale.status is not OperationStatus.APPROVED:
        return Amount.zero(payment.currency)
    approved = Amount.parse(sale.approved_amount or sale.amount, payment.currency)
    return approved - _sum(payment, OperationKind.REVERSAL, COUNTS)


def captured(payment: Payment) -> Amount:
    """What the shop is paid."""
    if payment.capture is CaptureWhen.AUTOMATIC:
        return authorized(payment)
    return _sum(payment, OperationKind.CAPTURE, COUNTS)


def refunded(payment: Payment) -> Amount:
    return _sum(payment, OperationKind.REFUND, COUNTS)


def capturable(payment: Payment) -> Amount:
    """What is left of what is held."""
    return authorized(payment) - captured(payment)


def refundable(payment: Payment) -> Amount:
    return captured(payment) - refunded(payment)


def tries(payment: Payment) -> int:
    """How many cards the bank was asked about."""
    return sum(1 for one in payment.operations if one.kind in SALES and one.status is not OperationStatus.NOT_SENT)


def _sum(payment: Payment, kind: OperationKind, counting: Iterable[OperationStatus]) -> Amount:
    total = Amount.zero(payment.currency)
    for one in payment.operations:
        if one.kind is kind and one.status in counting:
            total += Amount.parse(one.amount, payment.currency)
    return total


def status(payment: Payment) -> PaymentStatus:
    """What the operations add up to. What was closed before a bank was asked keeps its word for it."""
    sale = sale_of(payment)
    if sale is None or sale.status is OperationStatus.NOT_SENT:
        closed = payment.status in (PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)
        return payment.status if closed else PaymentStatus.REGISTERED
    if sale.status is not OperationStatus.APPROVED:
        return _OF_SALE[sale.status]
    if not authorized(payment):
        return PaymentStatus.REVERSED
    return _of_money(payment)


def _of_money(payment: Payment) -> PaymentStatus:
    taken, back = captured(payment), refunded(payment)
    if not taken:
        return PaymentStatus.AUTHORIZED
    if back:
        return PaymentStatus.REFUNDED if back >= taken else PaymentStatus.PARTIALLY_REFUNDED
    return PaymentStatus.PARTIALLY_CAPTURED if taken < authorized(payment) else PaymentStatus.CAPTURED


def settled(payment: Payment) -> Payment:
    """The payment with its status, sentence and sums as its operations have them."""
    now = status(payment)
    return payment.model_copy(
        update={
            "status": now,
            "message": MESSAGES[now],
            "captured_amount": captured(payment).text,
            "refunded_amount": refunded(payment).text,
        }
    )


def with_operation(payment: Payment, operation: Operation) -> Payment:
    """With one operation more, or the same one as it is now."""
    kept = list(payment.operations)
    at = next((index for index, one in enumerate(kept) if one.id == operation.id), len(kept))
    kept[at : at + 1] = [operation]
    return settled(payment.model_copy(update={"operations": tuple(kept)}))
