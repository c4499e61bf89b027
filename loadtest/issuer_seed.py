"""The same population for the other side: accounts and cards of an issuing bank, to put behind its TOML file.

Pure: the bank's own file (id, keys, products) and cards in, text out. Each card has an account of its own, rich
enough for any test unless the card is a poor one. What a bank does with its file is the bank's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from loadtest.card_file import Kind, TestCard

RICH: Final = "900000000"  # main units of whatever currency; no test spends it
#: Kind -> the state that the bank's file calls it by. An expired card is known by its date, a poor one by its account.
STATES: Final[Mapping[Kind, str]] = {Kind.LOST: "lost", Kind.STOLEN: "stolen", Kind.BLOCKED: "blocked"}
PIN_NOBODY_USES: Final = "1234"


class NotABankError(ValueError):
    """The file that the seed is to stand behind is no bank's."""


def seeded_bank(bank: str, cards: Iterable[TestCard]) -> Iterator[str]:
    """The bank's file and then, card by card, its account and itself. Cards of nobody's product are left out.

    NotABankError where the text is no TOML, or has no products.

    >>> text = 'id = "nbd"\\n[products.credit]\\nprefix = "978410"\\n'
    >>> lines = "".join(seeded_bank(text, [TestCard("9784100000000019", "2912", Kind.POOR, "784")]))
    >>> tomllib.loads(lines)["accounts"][0]["opening"]
    '0'
    """
    products = _products(bank)
    yield bank if bank.endswith("\n") else bank + "\n"
    for number, card in enumerate(cards):
        product = _product_of(card, products)
        if product is not None:
            yield _rows(f"load-{number}", product, card)


def _rows(account: str, product: str, card: TestCard) -> str:
    opening = "0" if card.kind is Kind.POOR else RICH
    state = STATES.get(card.kind)
    rows = [
        "\n[[accounts]]",
        f'id = "{account}"',
        'holder = "Load Test"',
        f'opening = "{opening}"',
        "\n[[cards]]",
        f'pan = "{card.pan}"',
        f'product = "{product}"',
        f'account = "{account}"',
        f'expiry = "{card.expiry}"',
        f'pin = "{card.pin or PIN_NOBODY_USES}"',
        f'note = "load test: {card.kind.name.lower()}"',
        *([f'state = "{state}"'] if state else []),
    ]
    return "\n".join(rows) + "\n"


def _products(bank: str) -> Mapping[str, str]:
    """Prefix -> product."""
    try:
        content: Mapping[str, Any] = tomllib.loads(bank)
        return {str(product["prefix"]): name for name, product in content["products"].items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
        raise NotABankError("not a bank's file: there are no products with prefixes in it") from None


def _product_of(card: TestCard, products: Mapping[str, str]) -> str | None:
    fitting = [prefix for prefix in products if card.pan.startswith(prefix)]
    return products[max(fitting, key=len)] if fitting else None
