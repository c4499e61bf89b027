"""Rule `expiry`: whether DE 14 is held against the calendar before the issuer is asked."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import TypeAdapter

from protocols import elements as de
from switch.request import Request
from switch.rule import Rule

#: A card is good to the end of its month somewhere on earth: twelve hours after it ended in UTC.
GRACE_S = 12 * 3600


def refusal(checked: bool, request: Request) -> str | None:
    """`card.expired` where DE 14 (YYMM) names a month that has passed. Two-digit years are of this century."""
    expiry = request.message.get(de.EXPIRY)
    if not checked or expiry is None:
        return None
    moment = datetime.fromtimestamp(request.received_at - GRACE_S, UTC)
    return "card.expired" if expiry < f"{moment.year % 100:02d}{moment.month:02d}" else None


RULE = Rule("expiry", 40, TypeAdapter(bool), refusal)
