"""An order by telephone: somebody reads a number out, somebody else types it."""

from __future__ import annotations

from acquirers.point_of_sale import PointOfSale
from protocols.channel import Channel

POINT_OF_SALE = PointOfSale(
    name="telephone",
    title="order by telephone",
    channel=Channel.MOTO,
    pos_entry_mode="012",  # 01: keyed in; 2: no PIN can be entered
    pos_condition_code="08",  # mail or telephone order
)
