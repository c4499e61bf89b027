"""A shop charges a card that it keeps, and nobody is there: a subscription, a bill every month."""

from __future__ import annotations

from acquirers.point_of_sale import PointOfSale
from protocols.channel import Channel

POINT_OF_SALE = PointOfSale(
    name="recurring",
    title="stored credential, charged by the shop",
    channel=Channel.RECURRING,
    pos_entry_mode="102",  # 10: credential on file; 2: no PIN can be entered
    pos_condition_code="00",  # the 1987 standard has no code for it: the entry mode is the only claim there is
)
