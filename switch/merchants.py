"""Card acceptors that the network knows, and what their contracts allow.

One file for all, `merchants.toml`. What a sub-merchant is owed, and how a shop signs in, is
the acquirers' business; here only: may this terminal send this request?
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocols import elements as de
from protocols.channel import Channel
from protocols.money import UnknownCurrencyError, currency
from protocols.network import NetworkError, explained, read_toml
from protocols.participant import Participant, Role
from switch.request import Request


class SubMerchant(BaseModel):
    """A tenant of a mall, a seller in a market (DE 48.37)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    currency: str


class Merchant(BaseModel):
    """A card acceptor (DE 42) and its contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(min_length=15, max_length=15)]
    name: str
    city: str
    country: str
    merchant_type: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    acquirer: str
    note: str = ""
    utc_offset: str = "+00:00"
    currencies: tuple[str, ...]
    channels: frozenset[Channel]
    terminals: frozenset[str]
    sub_merchant: tuple[SubMerchant, ...] = ()

    def allows(self, request: Request) -> bool:
        """Whether the contract covers this terminal, channel and currency."""
        return (
            request.message.get(de.TERMINAL_ID) in self.terminals
            and request.channel in self.channels
            and request.currency in {currency(code).number for code in self.currencies}
        )


class _MerchantsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    merchant: list[Merchant] = []


def load_merchants(path: Path) -> Mapping[str, Merchant]:
    """Every known card acceptor by its id; NetworkError lists all problems."""
    try:
        file = _MerchantsFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise NetworkError(explained(path.name, error)) from None
    problems = []
    for merchant in file.merchant:
        for code in merchant.currencies:
            try:
                currency(code)
            except UnknownCurrencyError as error:
                problems.append(f"{path.name}: {merchant.id}: {error}")
    if problems:
        raise NetworkError(problems)
    return {merchant.id: merchant for merchant in file.merchant}


def contract_refusal(request: Request) -> str | None:
    """Why the contract of a merchant forbids the request, or None. The laboratory has no contracts."""
    participant, merchant = request.participant, request.merchant
    if participant.laboratory or participant.host is not None:  # an acquirer with a host of its own vouches for it
        return None
    if merchant is None or not may_present(participant, merchant):
        return "merchant.unknown"
    return None if merchant.allows(request) else "terminal.not_allowed"


def may_present(participant: Participant, merchant: Merchant) -> bool:
    """A gateway may bring any acquirer's merchant; an acquirer its own only."""
    return participant.has(Role.GATEWAY) or merchant.acquirer == participant.id
