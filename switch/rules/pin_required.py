"""Rule `pin_required`: through which channels the product's cards want a PIN."""

from __future__ import annotations

from pydantic import TypeAdapter

from protocols.channel import Channel
from switch.request import Request
from switch.rule import Rule

#: Only these move the holder's money out; a balance or a refund is the issuer's to judge.
NEEDS_PIN = frozenset({"00", "01", "09", "10", "40", "50"})


def refusal(channels: frozenset[Channel], request: Request) -> str | None:
    """`pin.missing` where a PIN is wanted and DE 52 is absent."""
    wanted = request.channel in channels and request.processing_type in NEEDS_PIN
    return "pin.missing" if wanted and not request.has_pin else None


RULE = Rule("pin_required", 50, TypeAdapter(frozenset[Channel]), refusal)
