"""A population of test cards: unique, Luhn-valid, in the network's test ranges, each with what it must be answered.

Pure, and without a draw: account numbers are a permutation of the numbers that a prefix has room for (multiply,
add, take the remainder), so no number comes twice and none need be remembered; who is lost or poor is another
permutation, so the shares are exact. The same seed gives the same population on every machine.

The PIN comes from the seed too. PVV and CVV need keys, so they come from an HSM (`commands/cards`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate
from math import gcd
from typing import Final

from loadtest.card_file import Kind, TestCard
from protocols.pan import check_digit, is_digits

#: The ranges of the demonstration network: 9 and a country's code, which ISO/IEC 7812 leaves to national use,
#: so that no real card can match. With the currency of the bank that issues there.
TEST_RANGES: Final[Mapping[str, str]] = {
    "941410": "414",
    "941420": "414",
    "941430": "414",
    "978410": "784",
    "978430": "784",
    "978510": "784",
    "978530": "784",
}
SHORTEST, LONGEST = 13, 19  # of the card numbers that are in circulation
VALID_UNTIL: Final = "2912"
EXPIRED_SINCE: Final = "2006"  # long before anybody runs this
MOST: Final = 100_000_000  # cards in a file: 5 GB is where somebody has mistyped a nought

#: How many of a thousand cards are not as they should be.
PER_MILLE: Final[Mapping[Kind, int]] = {
    Kind.EXPIRED: 20,
    Kind.LOST: 5,
    Kind.STOLEN: 5,
    Kind.BLOCKED: 5,
    Kind.POOR: 20,
}


class PopulationError(ValueError):
    """What was asked for cannot be made; the text says what would be possible."""


@dataclass(frozen=True, slots=True)
class Range:
    """Card numbers of one prefix and one length."""

    prefix: str
    length: int = 16
    currency: str = "784"

    @classmethod
    def parse(cls, text: str, *, own: bool = False, currency: str | None = None) -> Range:
        """`PREFIX` or `PREFIX:LENGTH`; PopulationError says what is wrong with it.

        >>> Range.parse("941410:19")
        Range(prefix='941410', length=19, currency='414')
        >>> Range.parse("411111")
        Traceback (most recent call last):
        loadtest.population.PopulationError: 411111: real cards may begin so; --i-own-these takes it all the same
        """
        prefix, _, digits = text.partition(":")
        length = int(digits) if is_digits(digits) and len(digits) <= 2 else 0 if digits else 16
        if not is_digits(prefix) or not 1 <= len(prefix) <= 11:
            raise PopulationError(f"{text}: a prefix is 1 to 11 digits")
        if not SHORTEST <= length <= LONGEST:
            raise PopulationError(f"{text}: a card number has {SHORTEST} to {LONGEST} digits")
        home = next((money for known, money in TEST_RANGES.items() if prefix.startswith(known)), None)
        if home is None and not own:
            raise PopulationError(f"{prefix}: real cards may begin so; --i-own-these takes it all the same")
        return cls(prefix, length, currency or home or "784")

    @property
    def room(self) -> int:
        """How many numbers there are; the last digit is the check digit."""
        return int(10 ** (self.length - len(self.prefix) - 1))


@dataclass(frozen=True, slots=True)
class Permutation:
    """A number below `size` for every number below `size`, none twice."""

    size: int
    factor: int
    summand: int

    @classmethod
    def seeded(cls, size: int, seed: str) -> Permutation:
        """One of many, the same for the same seed.

        >>> one = Permutation.seeded(1000, "7")
        >>> len({one.of(number) for number in range(1000)})
        1000
        """
        digest = sha256(seed.encode()).digest()
        factor = int.from_bytes(digest[:16], "big") % size or 1
        while gcd(factor, size) != 1:
            factor += 1
        return cls(size, factor, int.from_bytes(digest[16:], "big") % size)

    def of(self, number: int) -> int:
        return (number * self.factor + self.summand) % self.size


@dataclass(frozen=True)
class Population:
    """What is asked for. Cards are dealt to the ranges in turn."""

    count: int
    ranges: Sequence[Range]
    seed: int = 7
    with_pins: bool = False
    per_mille: Mapping[Kind, int] = field(default_factory=lambda: PER_MILLE)

    def __post_init__(self) -> None:
        """PopulationError where it cannot be made."""
        if not 1 <= self.count <= MOST:
            raise PopulationError(f"1 to {MOST} cards, not {self.count}")
        if not self.ranges:
            raise PopulationError("a population needs a range of card numbers")
        for one in self.ranges:
            if any(one is not other and _overlap(one, other) for other in self.ranges):
                raise PopulationError(f"{one.prefix}: two ranges overlap")
            if one.room < self._share:
                raise PopulationError(f"{one.prefix}: {one.length} digits have room for {one.room} cards only")

    @property
    def _share(self) -> int:
        """Cards a range, rounded up."""
        return -(-self.count // len(self.ranges))

    def cards(self) -> Iterator[TestCard]:
        """All cards, in order."""
        accounts = [Permutation.seeded(one.room, f"{self.seed}/{one.prefix}/{one.length}") for one in self.ranges]
        kinds, fates = self._kinds(), Permutation.seeded(self.count, f"{self.seed}/kinds")
        ranges = len(self.ranges)
        for number in range(self.count):
            turn, where = divmod(number, ranges)
            one = self.ranges[where]
            payload = f"{one.prefix}{accounts[where].of(turn):0{one.length - len(one.prefix) - 1}d}"
            kind = kinds.of(fates.of(number))
            yield TestCard(
                payload + check_digit(payload),
                EXPIRED_SINCE if kind is Kind.EXPIRED else VALID_UNTIL,
                kind,
                one.currency,
                pin=self._pin(number) if self.with_pins else None,
            )

    def _kinds(self) -> _Kinds:
        return _Kinds([(kind, share * self.count // 1000) for kind, share in self.per_mille.items()])

    def _pin(self, number: int) -> str:
        """Four digits out of the seed; nobody's PIN, as nobody's card."""
        return f"{int.from_bytes(sha256(f'{self.seed}/pin/{number}'.encode()).digest()[:8], 'big') % 10_000:04d}"


class _Kinds:
    """The first so many are of one kind, the next of another, the rest as cards should be."""

    def __init__(self, counts: Sequence[tuple[Kind, int]]) -> None:
        self._ends = list(zip(accumulate(count for _, count in counts), (kind for kind, _ in counts), strict=True))
        self._last = self._ends[-1][0] if self._ends else 0

    def of(self, place: int) -> Kind:
        if place >= self._last:
            return Kind.ACTIVE
        return next(kind for end, kind in self._ends if place < end)


def _overlap(one: Range, other: Range) -> bool:
    """Whether a number can be in both.

    >>> _overlap(Range("978410"), Range("9784101")), _overlap(Range("978410"), Range("978410", 19))
    (True, False)
    """
    short, long = sorted((one.prefix, other.prefix), key=len)
    return one.length == other.length and long.startswith(short)
