"""What each product allows: every channel against every kind of transaction, found out by asking the product.

Pure. No rule is read or understood here, so a rule that somebody adds tomorrow shows in the matrix by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocols import elements as de
from protocols.channel import Channel
from protocols.codes import TRANSACTION_TYPES, known_reason
from protocols.dialects import dialect_named
from protocols.participant import Participant, Role
from switch.configuration import Configuration
from switch.instant import Instant
from switch.product import Issued
from switch.request import FACTS, Request

#: How a number must have come in (DE 18, 22, 25, 48) to have come this way; see `protocols.channel`.
WAYS: Final[Mapping[Channel, Mapping[int, str]]] = {
    Channel.ECOMMERCE: {de.MERCHANT_TYPE: "5999", de.POS_ENTRY_MODE: "812", de.POS_CONDITION_CODE: "59"},
    Channel.RECURRING: {de.MERCHANT_TYPE: "5999", de.POS_ENTRY_MODE: "102", de.POS_CONDITION_CODE: "00"},
    Channel.MOTO: {de.MERCHANT_TYPE: "5999", de.POS_ENTRY_MODE: "012", de.POS_CONDITION_CODE: "08"},
    Channel.KEYED: {de.MERCHANT_TYPE: "5411", de.POS_ENTRY_MODE: "012", de.POS_CONDITION_CODE: "00"},
    Channel.POS: {de.MERCHANT_TYPE: "5411", de.POS_ENTRY_MODE: "051", de.POS_CONDITION_CODE: "00"},
    Channel.ATM: {de.MERCHANT_TYPE: "6011", de.POS_ENTRY_MODE: "051", de.POS_CONDITION_CODE: "02"},
}
TITLES: Final[Mapping[Channel, str]] = {
    Channel.ECOMMERCE: "Internet",
    Channel.RECURRING: "Recurring",
    Channel.MOTO: "Mail, telephone",
    Channel.KEYED: "Keyed in",
    Channel.POS: "Card present",
    Channel.ATM: "Cash machine",
}
PIN: Final = "0" * 16  # only whether there is one matters
NOBODY: Final = Participant(id="nobody", name="", roles=frozenset({Role.GATEWAY}), institution_id="0", laboratory=True)


@dataclass(frozen=True, slots=True)
class Cell:
    """Whether it is allowed, and if not, why."""

    allowed: bool
    with_pin: bool = False
    slug: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of transaction, by every channel."""

    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A product, and who issues it."""

    id: str
    title: str
    issued: tuple[Issued, ...]
    rows: tuple[Row, ...]


def products(network: Configuration, now: Instant) -> list[Card]:
    """Every product with its matrix."""
    by_id: dict[str, list[Issued]] = {}
    for one in network.routes.all():
        by_id.setdefault(one.product.id, []).append(one)
    return [_card(issued, now) for _, issued in sorted(by_id.items())]


def _card(issued: list[Issued], now: Instant) -> Card:
    first = issued[0]
    rows = (
        Row(word.replace("_", " "), tuple(cell(first, kind, channel, now) for channel in WAYS))
        for kind, word in TRANSACTION_TYPES.items()
    )
    return Card(first.product.id, first.product.title, tuple(sorted(issued, key=lambda one: one.prefix)), tuple(rows))


def cell(issued: Issued, kind: str, channel: Channel, now: Instant) -> Cell:
    """What the product says to a request of this kind that came this way."""
    request = asking(issued, kind, channel, now, {})
    if request.channel is not channel:
        return Cell(False, why=f"Counts as: {TITLES[request.channel].lower()}")
    slug = issued.product.refusal(request)
    if slug is None:
        return Cell(True)
    if slug == "pin.missing" and not issued.product.refusal(asking(issued, kind, channel, now, {de.PIN_BLOCK: PIN})):
        return Cell(True, with_pin=True)
    known = known_reason(slug)
    return Cell(False, slug=slug, why=known.title if known else slug)


def asking(issued: Issued, kind: str, channel: Channel, now: Instant, more: Mapping[int, str]) -> Request:
    """A request as a payment would make it."""
    values = {
        de.PAN: issued.prefix.ljust(16, "0"),
        de.PROCESSING_CODE: f"{kind}0000",
        de.AMOUNT: "000000000100",
        de.TRANSMITTED_AT: now.transmitted_at(),
        de.STAN: "000001",
        de.TERMINAL_ID: "CONSOLE1",
        de.CURRENCY: issued.currency.number if issued.currency else "784",
        **WAYS[channel],
        **more,
    }
    dialect = dialect_named("iso87_ascii")
    message = dialect.decode(dialect.encode("0100", values))
    return Request(message, message.pick(FACTS), "0100", NOBODY, {}, now.wall)
