"""What an acquirer has agreed with its merchants: which payments it takes from them, and what it charges.

Pure: `banks/NAME.toml` and the network's merchants in, refusals out. What was boarded at run time comes in as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acquirers.merchant import Merchant, load_merchants
from protocols import elements as de
from protocols import subelements
from protocols.channel import channel_of
from protocols.codes import TRANSACTION_TYPES
from protocols.message import Message
from protocols.money import Amount, currency
from protocols.network import NetworkError, called, explained, read_toml, source

Percent = Annotated[Decimal, Field(ge=0, le=100)]
MERCHANT_LENGTH = 15  # DE 48.37 begins with the card acceptor that lets the space


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contract(_Said):
    """What one merchant may do beside what the network's `merchants.toml` says of it."""

    merchant: str
    types: frozenset[str] | None = None  # None: all
    per_payment: str | None = None  # in the merchant's first currency; None: any amount
    service_charge: Percent | None = None


class BankFile(_Said):
    """What one `banks/NAME.toml` says."""

    title: str
    gateway: str
    service_charge: Percent
    contract: tuple[Contract, ...] = ()


@dataclass(frozen=True, slots=True)
class Boarded:
    """What a merchant got since the files were written: terminals, and tenants by id."""

    terminals: frozenset[str] = frozenset()
    tenants: Mapping[str, str] = field(default_factory=dict)


NOTHING_BOARDED = Boarded()


@dataclass(frozen=True, slots=True)
class Acquirer:
    """One acquirer and its merchants."""

    name: str
    file: BankFile
    merchants: Mapping[str, Merchant]
    contracts: Mapping[str, Contract]

    def refusal(self, message: Message, boarded: Boarded) -> str | None:
        """Why this payment is not taken from that merchant, or None."""
        merchant = self.merchants.get(message.get(de.CARD_ACCEPTOR_ID) or "")
        if merchant is None:
            return "merchant.unknown"
        if not _is_covered(message, merchant, boarded):
            return "terminal.not_allowed"
        tenant = tenant_of(message)
        if tenant and tenant not in {*(one.id for one in merchant.sub_merchant), *boarded.tenants}:
            return "merchant.unknown"
        return self._beyond(message, merchant)

    def _beyond(self, message: Message, merchant: Merchant) -> str | None:
        """Beyond what its contract allows."""
        contract = self.contracts.get(merchant.id)
        if contract is None:
            return None
        word = TRANSACTION_TYPES.get((message.get(de.PROCESSING_CODE) or "")[:2], "unknown")
        if contract.types is not None and word not in contract.types:
            return "terminal.not_allowed"
        if contract.per_payment is None:
            return None
        most = Amount.parse(contract.per_payment, merchant.currencies[0])
        is_its_currency = message.get(de.CURRENCY) == most.currency.number
        return "limit.exceeded" if is_its_currency and int(message.get(de.AMOUNT) or 0) > most.minor else None

    def charge(self, merchant: str, minor: int) -> int:
        """The service charge on so much, in minor units, rounded half to even, once."""
        contract = self.contracts.get(merchant)
        own = contract.service_charge if contract is not None else None
        percent = self.file.service_charge if own is None else own
        return int((minor * percent / 100).quantize(Decimal(1), ROUND_HALF_EVEN))

    def title_of(self, merchant: str, tenant: str, boarded: Boarded) -> str:
        """Who is paid on a line."""
        known = self.merchants.get(merchant)
        if known is None:
            return merchant
        tenants = {**{one.id: one.name for one in known.sub_merchant}, **boarded.tenants}
        return tenants.get(tenant, tenant) if tenant else known.name


def _is_covered(message: Message, merchant: Merchant, boarded: Boarded) -> bool:
    """Whether terminal, channel and currency are the merchant's."""
    channel = channel_of(
        message.get(de.PROCESSING_CODE),
        merchant.merchant_type,
        message.get(de.POS_ENTRY_MODE),
        message.get(de.POS_CONDITION_CODE),
        _private(message).get(subelements.ELECTRONIC_COMMERCE_INDICATOR),
        card_was_read=any(number in message for number in (de.TRACK_1, de.TRACK_2, de.ICC_DATA)),
    )
    return (
        message.get(de.TERMINAL_ID) in {*merchant.terminals, *boarded.terminals}
        and channel.value in merchant.channels
        and message.get(de.CURRENCY) in {currency(code).number for code in merchant.currencies}
    )


def tenant_of(message: Message) -> str:
    """Whose stall in the mall (DE 48.37): what stands behind the mall's own number; empty: the merchant's own sale."""
    return _private(message).get(subelements.PAYMENT_FACILITATOR, "")[MERCHANT_LENGTH:].strip()


def _private(message: Message) -> dict[str, str]:
    try:
        return subelements.parse(message.get(de.PRIVATE_DATA) or "")
    except subelements.SubelementError:
        return {}


def load_acquirer(name: str, directory: Path | None = None) -> Acquirer:
    """The acquirer of that name; NetworkError lists what is wrong with its file."""
    path = source(directory, "acquirers") / f"{name}.toml"
    try:
        file = BankFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise NetworkError(explained(called(path), error)) from None
    merchants = {id_: one for id_, one in load_merchants(directory).items() if one.acquirer == name}
    contracts = {one.merchant: one for one in file.contract}
    problems = [
        f"{called(path)}: contract: {name} has no merchant {id_!r}" for id_ in contracts if id_ not in merchants
    ]
    known = set(TRANSACTION_TYPES.values())
    for one in file.contract:
        problems += [f"{called(path)}: {one.merchant}: no type {word!r}" for word in (one.types or set()) - known]
        if one.per_payment is not None and one.merchant in merchants:
            try:
                Amount.parse(one.per_payment, merchants[one.merchant].currencies[0])
            except ValueError as error:
                problems.append(f"{called(path)}: {one.merchant}: per_payment: {error}")
    if problems:
        raise NetworkError(problems)
    return Acquirer(name, file, merchants, contracts)
