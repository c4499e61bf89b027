"""Dealing the cards: each part in the tour gets a test card of its own, so no step spoils another.

Pure: the list that `python -m issuers cards --json` prints in, a hand out. The tour knows what
sort of card a part needs, not which number it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from protocols.runtime.exits import ConfigurationError


class NoSuchCardError(ConfigurationError):
    """The network's banks have no card that a part of the tour needs."""


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card that is nobody's. Its number and PIN are printed with `payswitch cards`, but not by us."""

    issuer: str
    product: str
    state: str
    limit: Decimal | None
    pan: str = field(repr=False)
    expiry: str = field(repr=False)
    pin: str | None = field(repr=False)
    is_fresh: bool = True  # nothing spent yet, no allowance used

    __test__ = False  # not a test, whatever pytest thinks of the name

    @property
    def wrong_pin(self) -> str:
        """A PIN that is not the card's."""
        return "9999" if self.pin != "9999" else "9998"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What sort of card a part needs."""

    issuer: str
    product: str
    limit: Decimal | None = None  # None: any

    def suits(self, card: TestCard) -> bool:
        """Whether a card can play the part: it must work, and be unused."""
        kind = (card.issuer, card.product) == (self.issuer, self.product)
        return kind and card.state == "active" and card.is_fresh and self.limit in (None, card.limit)

    def __str__(self) -> str:
        return f"an unused {self.product} card of {self.issuer}" + (f" with limit {self.limit}" if self.limit else "")


A_PAST = ("used", "gone over", "expired")  # in the note of a card that has seen something

#: The parts of the tour. In this order they choose: whoever is particular comes first.
PARTS: Mapping[str, Wanted] = {
    "spender": Wanted("nbk", "internet-shopping", Decimal(200)),  # its limit is used up
    "climber": Wanted("nbk", "internet-shopping", Decimal(100)),  # its limit is raised
    "shopper": Wanted("nbk", "internet-shopping"),
    "customer": Wanted("nbk", "classic-credit"),
    "holder": Wanted("nbk", "debit"),
    "forgetful": Wanted("nbk", "debit"),  # its PIN is blocked
    "reserver": Wanted("nbd", "credit"),
    "company": Wanted("nbd", "debit"),
}


def deal(cards: Iterable[TestCard], parts: Mapping[str, Wanted] = PARTS) -> dict[str, TestCard]:
    """A card for each part, none twice."""
    deck, hand = list(cards), {}
    for part, wanted in parts.items():
        found = next((card for card in deck if wanted.suits(card)), None)
        if found is None:
            raise NoSuchCardError(f"the tour needs {wanted}, and the banks have none left")
        deck.remove(found)
        hand[part] = found
    return hand


def read_cards(document: object) -> list[TestCard]:
    """The cards as the issuers print them."""
    if not isinstance(document, list):
        raise NoSuchCardError("the issuers' list of cards is not an array")
    return [read_card(card) for card in document if isinstance(card, dict)]


def read_card(card: Mapping[str, object]) -> TestCard:
    """One card; the note says when it has a past."""
    pin = card.get("pin")
    return TestCard(
        issuer=str(card.get("issuer")),
        product=str(card.get("product")),
        state=str(card.get("state")),
        limit=read_limit(card.get("limit")),
        pan=str(card.get("pan")),
        expiry=str(card.get("expiry")),
        pin=pin if isinstance(pin, str) else None,
        is_fresh=not any(word in str(card.get("note")) for word in A_PAST),
    )


def read_limit(limit: object) -> Decimal | None:
    """
    >>> read_limit("200.000 KWD") == read_limit("200.000") == 200, read_limit(None)
    (True, None)
    """
    try:
        return Decimal(str(limit).split()[0])
    except (InvalidOperation, IndexError):
        return None
