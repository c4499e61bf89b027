"""Whether what a shop asked for has come about, or which problem it is told. Pure."""

from __future__ import annotations

from typing import Any

from acquirers.store_api.models import Operation, OperationKind, OperationStatus, Payment
from acquirers.store_api.problem import Problem

_MORE_ABOUT = {
    OperationKind.CAPTURE: "The capture is being told until it arrives; ask for the payment later.",
    OperationKind.REVERSAL: "The reversal is being told until it arrives; the payment will be reversed.",
    OperationKind.REFUND: "The refund is unknown and being reversed; once it is, it may be made anew.",
}
_OF_A_SALE = (
    "The payment is unknown and being reversed. Hand over nothing; never send the sale again under another key."
)


def judge(payment: Payment, operation: Operation | None) -> Payment:
    """The payment, where the operation was approved (or none was needed); raises the problem otherwise."""
    if operation is None or operation.status is OperationStatus.APPROVED:
        return payment
    now: dict[str, Any] = payment.model_dump(mode="json", exclude_none=True)
    if operation.status is OperationStatus.NOT_SENT:
        raise Problem("switch.unreachable", payment=now)
    if operation.status is OperationStatus.DECLINED:
        said = {"response_code": operation.response_code, "reason": operation.reason}
        told = {name: value for name, value in said.items() if value}
        raise Problem("payment.declined", operation.explanation or "", happened=True, payment=now, **told)
    raise Problem("outcome.unknown", _MORE_ABOUT.get(operation.kind, _OF_A_SALE), happened=True, payment=now)
