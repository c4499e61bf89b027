"""A shop on the internet: it says so, or it is not believed."""

from __future__ import annotations

from types import MappingProxyType

from acquirers.point_of_sale import PointOfSale
from protocols.channel import Channel
from protocols.subelements import ELECTRONIC_COMMERCE_INDICATOR

POINT_OF_SALE = PointOfSale(
    name="ecommerce",
    title="shop on the internet",
    channel=Channel.ECOMMERCE,
    pos_entry_mode="812",  # 81: entered on the holder's own machine; 2: no PIN can be entered
    pos_condition_code="59",  # electronic commerce
    # 07: sent over an encrypted channel, the holder not authenticated.
    private_data=MappingProxyType({ELECTRONIC_COMMERCE_INDICATOR: "07"}),
)
