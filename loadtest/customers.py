"""Who comes and with what: card, terminal, amount and currency of each visit, drawn from the seed in the plan's order.

Cards are those of a file, or made up in a test range. A worker has every n-th card and terminals of its own, so what
belongs to one visit stays with one worker. Pure but for the file that it maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Protocol

from loadtest.card_file import CardFile, CardFileError
from loadtest.chance import Chance
from loadtest.pick import PickError
from loadtest.picks import picker
from loadtest.population import Permutation, PopulationError, Range
from loadtest.scenario import Cards, Values
from loadtest.usage import UsageError
from protocols.money import UnknownCurrencyError, currency
from protocols.pan import check_digit

KEPT_MAX: Final = 100_000  # cards read from a file: the hot ones are read once
CARD_ACCEPTOR_NAME: Final = f"{'LOAD TEST, NOT A PAYMENT':<25}{'Dubai':<13}AE"  # DE 43 marks test traffic
TOKEN_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class Card:
    """What a message says of a card. Its number is not printed."""

    pan: str = field(repr=False)
    expiry: str = field(repr=False)
    expected: str | None = None  # DE 39 of a purchase, where it is known
    pin: str | None = field(default=None, repr=False)
    number: int = 0  # in its deck


class Deck(Protocol):
    def __len__(self) -> int: ...
    def card(self, index: int) -> Card: ...


class MadeUp:
    """So many cards of a range, made from the seed when they are asked for."""

    def __init__(self, one: Range, count: int, seed: int) -> None:
        self._range, self._count = one, min(count, one.room)
        self._numbers = Permutation.seeded(one.room, f"{seed}/{one.prefix}/{one.length}")

    def __len__(self) -> int:
        return self._count

    def card(self, index: int) -> Card:
        digits = self._range.length - len(self._range.prefix) - 1
        payload = f"{self._range.prefix}{self._numbers.of(index):0{digits}d}"
        return Card(payload + check_digit(payload), "2912", number=index)


class FromFile:
    """Those of a file, read when they are asked for."""

    def __init__(self, file: CardFile) -> None:
        self._file = file

    def __len__(self) -> int:
        return len(self._file)

    def card(self, index: int) -> Card:
        card = self._file[index]
        return Card(card.pan, card.expiry, card.expected, card.pin, index)


def deck(cards: Cards, seed: int) -> Deck:
    """The cards of a scenario. UsageError where they cannot be had."""
    try:
        if cards.file is not None:
            return FromFile(CardFile(cards.file))
        return MadeUp(Range.parse(cards.prefix, own=cards.i_own_these), cards.count, seed)
    except OSError as error:
        raise UsageError(f"values.cards.file: {cards.file}: {error.strerror}") from None
    except (CardFileError, PopulationError) as error:
        raise UsageError(f"values.cards: {error}") from None


class Customers:
    """Draws the values of one visit after another."""

    def __init__(self, values: Values, seed: int, chance: Chance, worker: int = 0, workers: int = 1) -> None:
        """UsageError where the scenario asks for what cannot be drawn."""
        self._chance, self._draw = chance, chance.random
        self._deck = deck(values.cards, seed)
        if len(self._deck) < workers:
            raise UsageError(f"{len(self._deck)} cards cannot be dealt to {workers} workers")
        self._pick = self._picker(values, len(self._deck) // workers)
        self._worker, self._workers = worker, workers
        self._kept: dict[int, Card] = {}
        self._amount = values.amount
        self._currencies, self._weights = _currencies(values)
        self.terminals = values.terminal_ids[worker::workers] or tuple(
            f"LT{worker:02d}{number:04d}" for number in range(values.terminals)
        )
        self._acceptor = f"{values.card_acceptor_id:<15}"

    def visit(self) -> tuple[dict[str, str], Card]:
        """The values for a new visit's messages, by name; and its card."""
        draw = self._draw
        card = self._card(self._pick(draw()) * self._workers + self._worker)
        currencies = self._currencies
        number = currencies[0] if len(currencies) == 1 else self._chance.choices(currencies, self._weights, k=1)[0]
        return {
            "pan": card.pan,
            "expiry": card.expiry,
            "track_2": f"{card.pan}={card.expiry}201",
            "amount": f"{int(self._amount.draw(self._chance)):012d}",
            "currency": number,
            "terminal_id": self.terminals[int(draw() * len(self.terminals))],
            "card_acceptor_id": self._acceptor,
            "card_acceptor_name": CARD_ACCEPTOR_NAME,
        }, card

    @property
    def cards(self) -> int:
        """How many cards there are, all workers' together."""
        return len(self._deck)

    def mine(self) -> Iterator[Card]:
        """All cards that may come."""
        return (self._deck.card(index) for index in range(self._worker, len(self._deck), self._workers))

    def _card(self, index: int) -> Card:
        card = self._kept.get(index)
        if card is None:
            card = self._deck.card(index)
            if len(self._kept) < KEPT_MAX:
                self._kept[index] = card
        return card

    @staticmethod
    def _picker(values: Values, count: int) -> Callable[[float], int]:
        try:
            return picker(values.cards.pick, count)
        except PickError as error:
            raise UsageError(f"values.cards.{error}") from None


def tokens(key: bytes) -> Callable[[str], str]:
    """Turns card numbers into tokens: equal for equal numbers within a run, and nothing without its key.

    >>> tokens(b"k")("9784100000000019") == tokens(b"another")("9784100000000019")
    False
    """
    return lambda pan: "card-" + blake2b(pan.encode(), key=key, digest_size=TOKEN_BYTES).hexdigest()


def _currencies(values: Values) -> tuple[Sequence[str], Sequence[float]]:
    try:
        return [currency(code).number for code in values.currency], list(values.currency.values())
    except UnknownCurrencyError as error:
        raise UsageError(f"values.currency: {error}") from None
