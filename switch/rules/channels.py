"""Rule `channels`: through which channels the product's cards may be used at all."""

from __future__ import annotations

from pydantic import TypeAdapter

from protocols.channel import Channel
from switch.request import Request
from switch.rule import Rule


def refusal(allowed: frozenset[Channel], request: Request) -> str | None:
    """The channel's own slug (`channel.atm`) where it is not among those allowed."""
    return None if request.channel in allowed else request.channel.refusal_slug


RULE = Rule("channels", 10, TypeAdapter(frozenset[Channel]), refusal)
