"""Merchants that came, changed or went since the network's files were written. Pure: documents in, contracts out.

What `merchants.toml` says holds until somebody boards the same card acceptor; a merchant that was closed is unknown
from then on. Where the documents lie, and who may change them, is the shell's (`shell/merchant_orders`).
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from protocols.money import UnknownCurrencyError, currency
from protocols.network import explained
from protocols.participant import Participant, Role
from switch.merchants import Merchant

Boarded = Mapping[str, Mapping[str, Any] | None]  # card acceptor id -> its contract as it stands; None: closed


class BoardingError(ValueError):
    """Why a merchant cannot be boarded as it is."""


def merchant_of(document: Mapping[str, Any], participants: Mapping[str, Participant]) -> Merchant:
    """A contract, looked at as those of the file are; BoardingError says everything that is wrong with it."""
    try:
        merchant = Merchant.model_validate(document)
    except ValidationError as error:
        raise BoardingError("; ".join(explained("merchant", error))) from None
    acquirer = participants.get(merchant.acquirer)
    if acquirer is None or not acquirer.has(Role.ACQUIRER):
        raise BoardingError(f"acquirer {merchant.acquirer!r} is not a participant that acquires")
    try:
        for code in merchant.currencies:
            currency(code)
    except UnknownCurrencyError as error:
        raise BoardingError(str(error)) from None
    return merchant


def document_of(merchant: Merchant) -> dict[str, Any]:
    """A contract as JSON writes it, in an order that does not change."""
    said = merchant.model_dump(mode="json")
    return said | {"channels": sorted(said["channels"]), "terminals": sorted(said["terminals"])}


def apply(boarded: Boarded, merchants: MutableMapping[str, Merchant], participants: Mapping[str, Participant]) -> None:
    """Lay what was boarded over what the files say."""
    for id_, document in boarded.items():
        if document is None:
            merchants.pop(id_, None)
        else:
            merchants[id_] = merchant_of(document, participants)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a merchant: the parts that are said replace those that are there, lists are added to."""

    acquirer: str
    merchant: str
    contract: Mapping[str, Any] | None = None  # a whole contract, or parts of one
    terminals: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # terminals that are closed
    tenants: Mapping[str, str] | None = None  # id -> name


def changed(change: Change, merchants: Mapping[str, Merchant], participants: Mapping[str, Participant]) -> Merchant:
    """The contract as it shall stand; BoardingError where it is another acquirer's, or makes no sense."""
    known = merchants.get(change.merchant)
    if known is None and change.contract is None:
        raise BoardingError(f"there is no merchant {change.merchant!r}: board it with its whole contract")
    document: dict[str, Any] = document_of(known) if known is not None else {}
    document |= {**(change.contract or {}), "id": change.merchant}
    document.setdefault("acquirer", change.acquirer)
    owners = {document["acquirer"], *([known.acquirer] if known is not None else [])}
    if owners != {change.acquirer}:
        raise BoardingError(f"{change.merchant} is not {change.acquirer}'s merchant")
    if change.terminals or change.without:
        kept = {*document.get("terminals", ()), *change.terminals} - set(change.without)
        document["terminals"] = sorted(kept)
    if change.tenants:
        there = {one["id"]: one for one in document.get("sub_merchant", ())}
        money = (document.get("currencies") or [""])[0]
        new = {id_: {"id": id_, "name": name, "currency": money} for id_, name in change.tenants.items()}
        document["sub_merchant"] = list((there | new).values())
    merchant = merchant_of(document, participants)
    taken = {terminal for other in merchants.values() if other.id != merchant.id for terminal in other.terminals}
    if twice := sorted(merchant.terminals & taken):
        raise BoardingError(f"terminal {twice[0]} is another merchant's")
    return merchant
