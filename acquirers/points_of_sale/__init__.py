"""The ways of taking a card, one file each; `POINTS_OF_SALE` holds them by the till's word."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from acquirers.point_of_sale import PointOfSale
from protocols import catalog

POINTS_OF_SALE: Mapping[str, PointOfSale] = MappingProxyType(
    {place.name: place for place in catalog.declared(__name__, "POINT_OF_SALE")}
)
