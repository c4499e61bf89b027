"""Rule `pin_required`: through which channels the product's cards want a PIN, and which taps of a card do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter

from protocols.channel import Channel
from protocols.money import Amount, currency_numbered
from switch.request import Request
from switch.rule import Rule

#: Only these move the holder's money out; a balance or a refund is the issuer's to judge.
NEEDS_PIN = frozenset({"00", "01", "09", "10", "40", "50"})
PURCHASE = "00"


class Setting(BaseModel):
    """Where a PIN is wanted; and by currency, up to which amount a tapped card buys without one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: frozenset[Channel]
    tap_without: Mapping[str, str] = {}

    def allows_tap(self, request: Request) -> bool:
        """Whether this is a tap of so little that nobody types a PIN for it."""
        if request.channel is not Channel.POS or request.processing_type != PURCHASE or not request.is_tapped:
            return False
        code = currency_numbered(request.currency).code
        return code in self.tap_without and request.amount <= Amount.parse(self.tap_without[code], code).minor


def _or_channels(said: object) -> object:
    """A list of channels is all that most products say."""
    return {"channels": said} if isinstance(said, list) else said


def refusal(setting: Setting, request: Request) -> str | None:
    """`pin.missing` where a PIN is wanted and DE 52 is absent."""
    wanted = request.channel in setting.channels and request.processing_type in NEEDS_PIN
    return "pin.missing" if wanted and not request.has_pin and not setting.allows_tap(request) else None


RULE = Rule("pin_required", 50, TypeAdapter(Annotated[Setting, BeforeValidator(_or_channels)]), refusal)
