"""A terminal on a shop's counter: the card is there, its chip is read, a PIN can be entered."""

from __future__ import annotations

from acquirers.point_of_sale import PointOfSale
from protocols.channel import Channel

POINT_OF_SALE = PointOfSale(
    name="card_present",
    title="terminal in a shop",
    channel=Channel.POS,
    pos_entry_mode="051",  # 05: chip; 1: a PIN can be entered
    pos_condition_code="00",  # card and holder present
)
