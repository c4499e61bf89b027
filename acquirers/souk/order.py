"""What a payment means for an order. Pure.

An order's state is what the API says of its payment, in the buyer's words; so the two cannot disagree. Goods are set
aside while an order may still be paid, and go back to the shelf when it cannot be any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from protocols.money import Amount


class State(StrEnum):
    """How an order stands."""

    NEW = "new"  # the API has not been reached yet
    WAITING = "waiting"  # for the buyer
    PAID = "paid"
    UNKNOWN = "unknown"  # nobody knows whether it was paid: it is being reversed, and nothing is sent
    NOT_PAID = "not_paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"


#: By the status of the payment, as the store API spells it.
STATES: Final[Mapping[str, State]] = {
    "registered": State.WAITING,
    "processing": State.WAITING,
    "declined": State.WAITING,  # another card may be tried, until the page closes
    "authorized": State.PAID,
    "captured": State.PAID,
    "partially_captured": State.PAID,
    "unknown": State.UNKNOWN,
    "reversed": State.NOT_PAID,
    "cancelled": State.NOT_PAID,
    "expired": State.NOT_PAID,
    "partially_refunded": State.PART_REFUNDED,
    "refunded": State.REFUNDED,
}
OVER: Final = frozenset({State.NOT_PAID})
REFUNDABLE: Final = frozenset({State.PAID, State.PART_REFUNDED})
Document = Mapping[str, Any]


class Order(BaseModel):
    """One order of one thing. Amounts are text in major units, as the API has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    buyer: str  # the name in the buyer's cookie, digested
    seller: str
    good: int
    title: str
    quantity: int
    amount: str
    currency: str
    locale: str
    at: str
    state: State = State.NEW
    payment: str | None = None
    page_url: str | None = None  # only the buyer learns it
    refunded: str = "0"
    card: str | None = None  # masked, as the API shows it
    approval_code: str | None = None
    reason: str | None = None  # of a decline
    refund_unknown: bool = False  # a refund that nobody answered: it is being reversed

    @property
    def left(self) -> Amount:
        """What can be sent back."""
        return Amount.parse(self.amount, self.currency) - Amount.parse(self.refunded, self.currency)

    @property
    def may_refund(self) -> bool:
        return self.state in REFUNDABLE and self.left.minor > 0


def learned(order: Order, payment: Document) -> Order:
    """The order, after the API has told how its payment stands.

    A decline leaves the page open for another card, until it is finalized or too late; then it is not paid.
    """
    status = str(payment["status"])
    state = STATES[status]
    if status == "declined" and (payment.get("finalized_at") or not payment.get("page_url")):
        state = State.NOT_PAID
    operations = payment.get("operations", ())
    sale: Document = next((one for one in reversed(operations) if one["kind"] in ("purchase", "authorization")), {})
    refunds = [one for one in operations if one["kind"] == "refund"]
    return order.model_copy(
        update={
            "state": state,
            "payment": payment["id"],
            "page_url": payment.get("page_url"),
            "refunded": payment["refunded_amount"],
            "card": (payment.get("card") or {}).get("masked"),
            "approval_code": sale.get("approval_code"),
            "reason": sale.get("explanation") if status == "declined" else None,
            "refund_unknown": any(one["status"] == "unknown" for one in refunds),
        }
    )
