"""A cash machine: single message, chip and PIN, and a merchant type of its own."""

from __future__ import annotations

from acquirers.point_of_sale import PointOfSale
from protocols.channel import Channel

POINT_OF_SALE = PointOfSale(
    name="atm",
    title="cash machine",
    channel=Channel.ATM,
    pos_entry_mode="051",  # 05: chip; 1: a PIN can be entered
    pos_condition_code="02",  # unattended terminal, the holder operates it
    message="0200",
    merchant_type="6011",  # automated cash disbursement
)
