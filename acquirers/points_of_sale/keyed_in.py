"""A number keyed in at a shop's terminal, which claims nothing about where it came from."""

from __future__ import annotations

from acquirers.point_of_sale import PointOfSale
from protocols.channel import Channel

POINT_OF_SALE = PointOfSale(
    name="keyed",
    title="number keyed in at a shop",
    channel=Channel.KEYED,
    pos_entry_mode="011",  # 01: keyed in; 1: a PIN can be entered
    pos_condition_code="00",
)
