"""A point of sale: how the place where a card is taken spells itself in a request.

One file in `points_of_sale/` declares one, as data. The switch reads the channel off these
elements (`protocols.channel`), so this table is what the shop claims about itself; whether
the claim is allowed is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from protocols.channel import Channel


@dataclass(frozen=True, slots=True)
class PointOfSale:
    """One way of taking a card."""

    name: str  # the till's word for it
    title: str
    channel: Channel  # what the switch shall understand
    pos_entry_mode: str  # DE 22: how the number came in (two digits), whether a PIN can be entered
    pos_condition_code: str  # DE 25
    message: str = "0100"  # what is sent when nobody asks for another: dual message, or single (0200)
    merchant_type: str | None = None  # DE 18 where the place and not the shop decides it
    private_data: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # DE 48: id -> value
