"""A problem: what a shop is told when it does not get what it asked for (RFC 9457, problem+json).

Every problem has a slug that a program can go by and a title that a person can read; one that
comes from the network carries DE 39 as well. The table is the whole list, and docs read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from protocols import codes

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: slug, HTTP status, title."""

    slug: str
    status: int
    title: str


_TABLE: Final = (
    Kind("request.unreadable", 400, "The body is not JSON."),
    Kind("request.too_large", 413, "The body is larger than any request needs to be."),
    Kind("request.invalid", 422, "The request does not say what it must."),
    Kind("key.missing", 401, "There is no API key, or nobody has it."),
    Kind("key.scope", 403, "The API key may not do this."),
    Kind("idempotency.missing", 400, "What moves money needs an Idempotency-Key."),
    Kind("idempotency.differs", 409, "This Idempotency-Key was used for another request."),
    Kind("not.found", 404, "There is no such thing among yours."),
    Kind("method.unknown", 405, "This cannot be done here."),
    Kind("merchant.currency", 422, "The shop's contract has no such currency."),
    Kind("merchant.channel", 422, "The shop's contract has no such way of taking a card."),
    Kind("sub_merchant.unknown", 422, "The shop has no such sub-merchant."),
    Kind("amount.invalid", 422, "The amount is not one of this currency."),
    Kind("amount.above_authorized", 422, "The amount is larger than what is left of the authorization."),
    Kind("amount.above_captured", 422, "The amount is larger than what is left of the payment."),
    Kind("token.unknown", 422, "The shop has no such token."),
    Kind("payment.state", 409, "The payment is not in a state in which this can be done."),
    Kind("payment.declined", 402, "The bank declined."),
    Kind("outcome.unknown", 504, "Nobody answered in time: the outcome is unknown and is being reversed."),
    Kind("switch.unreachable", 503, "The gateway has no link to the switch. Nothing was sent, nothing was taken."),
    Kind("stopping", 503, "The gateway is being stopped. Nothing was taken."),
    Kind("too.many", 429, "There are too many of these already."),
    Kind("internal", 500, "The gateway had a fault of its own."),
)

KINDS: Final[Mapping[str, Kind]] = {kind.slug: kind for kind in _TABLE}


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """Raised by whoever notices; the application writes it out.

    `happened`: something was sent, so that this is the answer for ever; otherwise nothing
    happened and the same Idempotency-Key may be used again.
    """

    def __init__(self, slug: str, detail: str = "", *, happened: bool = False, **more: Any) -> None:
        super().__init__(slug)
        self.kind = KINDS[slug]
        self.detail, self.happened, self.more = detail, happened, more

    def document(self) -> dict[str, Any]:
        """The body."""
        detail = {"detail": self.detail} if self.detail else {}
        return {
            "type": f"urn:payswitch:problem:{self.kind.slug}",
            "title": self.kind.title,
            "status": self.kind.status,
            "slug": self.kind.slug,
            **detail,
            **self.more,
        }


def explained(response_code: str | None, slug: str | None) -> str:
    """What a person is told of a decline.

    >>> explained("57", "channel.atm"), explained("51", None)
    ('This card cannot be used at a cash machine.', 'There is not enough money in the account.')
    """
    if slug and (found := codes.known_reason(slug)):
        return found.title
    return codes.plain_reason(response_code or "05").title
