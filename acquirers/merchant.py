"""A merchant as a gateway knows it: who takes the card, where its terminals stand, what they are called.

Pure: the network's `merchants.toml` in, merchants out. What a merchant's contract allows is
for the switch to enforce; a gateway sends what it is asked to send, so that the refusal is
seen on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocols.network import NetworkError, explained, read_toml, source

#: DE 43 in the 1987 standard's own cut: name, city, country.
NAME_LENGTH, CITY_LENGTH, COUNTRY_LENGTH = 25, 13, 2

CardAcceptorId = Annotated[str, Field(pattern=r"^[A-Z0-9 ]{15}$")]
TerminalId = Annotated[str, Field(pattern=r"^[A-Z0-9 ]{8}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SubMerchant(_Listed):
    """A mall's tenant or a market's seller: sells under the merchant's contract, is paid on its own line."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,22}$")]
    name: str
    currency: Currency


class Merchant(_Listed):
    """One card acceptor and its terminals."""

    id: CardAcceptorId
    name: Annotated[str, Field(max_length=NAME_LENGTH)]
    city: Annotated[str, Field(max_length=CITY_LENGTH)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    merchant_type: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    acquirer: str
    note: str = ""
    utc_offset: Annotated[str, Field(pattern=r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]$")] = "+00:00"
    currencies: tuple[Currency, ...]
    channels: tuple[str, ...]
    terminals: Annotated[tuple[TerminalId, ...], Field(min_length=1)]
    sub_merchant: tuple[SubMerchant, ...] = ()

    @property
    def card_acceptor_name(self) -> str:
        """DE 43: name, city and country, each in its own columns."""
        return f"{self.name:<{NAME_LENGTH}}{self.city:<{CITY_LENGTH}}{self.country}"

    def local(self, utc: datetime) -> datetime:
        """The moment on the wall clock of the place where the terminals stand (DE 12, 13)."""
        hours, minutes = int(self.utc_offset[:3]), int(self.utc_offset[4:])
        sign = -1 if self.utc_offset.startswith("-") else 1
        return utc.astimezone(timezone(timedelta(hours=hours, minutes=sign * minutes)))


class _Merchants(_Listed):
    merchant: tuple[Merchant, ...] = ()


def load_merchants(directory: Path | None = None) -> Mapping[str, Merchant]:
    """Every merchant of the network by card acceptor id; NetworkError lists all problems."""
    path = source(directory, "merchants.toml")
    try:
        listed = _Merchants.model_validate(read_toml(path)).merchant
    except ValidationError as error:
        raise NetworkError(explained(path.name, error)) from None
    merchants = {merchant.id: merchant for merchant in listed}
    if len(merchants) < len(listed):
        raise NetworkError([f"{path.name}: merchant: a card acceptor id stands there twice"])
    return merchants
