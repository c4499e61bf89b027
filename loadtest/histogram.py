"""A histogram of microseconds with HdrHistogram's own buckets, held sparsely.

Three significant digits from 1 µs to 1 h, as everywhere in a result. A library histogram of that range takes 190 kB;
a run keeps one per second, flow and clock, of which a few dozen buckets are used. So counts stand in a dictionary
under HdrHistogram's bucket index, and `histogram_codec` writes and reads them in its form. Merging adds buckets and
loses nothing. When to record, and what a figure means, is for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from loadtest import histogram_codec

LOWEST_US: Final = 1
HIGHEST_US: Final = 3_600_000_000  # an hour: longer than any deadline of a card network
DIGITS: Final = 3
_HALF_BITS: Final = 10  # 3 digits need 2 048 sub-buckets; every bucket after the first uses the upper half of them
_SUB_BITS: Final = _HALF_BITS + 1


def index_of(value_us: int) -> int:
    """The bucket of a value, as HdrHistogram counts them.

    >>> index_of(1500), index_of(2048), index_of(2049)
    (1500, 2048, 2048)
    """
    shift = value_us.bit_length() - _SUB_BITS
    return value_us if shift <= 0 else (shift << _HALF_BITS) + (value_us >> shift)


def highest_in(index: int) -> int:
    """The highest value that a bucket stands for: what HdrHistogram reports as a percentile.

    >>> highest_in(2048)
    2049
    """
    shift = max(0, (index >> _HALF_BITS) - 1)
    return ((index - (shift << _HALF_BITS) + 1) << shift) - 1


class Histogram:
    """How often each bucket was hit. Equal when all buckets are."""

    __slots__ = ("counts", "total")

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})
        self.total = sum(self.counts.values())

    def record(self, value_us: int, times: int = 1) -> None:
        """A value below 1 µs counts as 1, one above an hour as an hour."""
        index = index_of(min(max(value_us, LOWEST_US), HIGHEST_US))
        self.counts[index] = self.counts.get(index, 0) + times
        self.total += times

    def record_all(self, values_us: Iterable[int]) -> None:
        """The same for many, with the lookups done once."""
        counts, get = self.counts, self.counts.get
        number = 0
        for value in values_us:
            bounded = 1 if value < 1 else HIGHEST_US if value > HIGHEST_US else value
            shift = bounded.bit_length() - _SUB_BITS
            index = bounded if shift <= 0 else (shift << _HALF_BITS) + (bounded >> shift)
            counts[index] = get(index, 0) + 1
            number += 1
        self.total += number

    def add(self, other: Histogram) -> None:
        """Merge, bucket by bucket."""
        for index, times in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + times
        self.total += other.total

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        whole = cls()
        for part in parts:
            whole.add(part)
        return whole

    def percentile(self, percent: float) -> int:
        """The value, in µs, that so many percent do not exceed; 0 of an empty histogram.

        >>> histogram = Histogram()
        >>> histogram.record_all(range(1, 101))
        >>> histogram.percentile(50), histogram.percentile(99.9)
        (50, 100)
        """
        wanted = max(1, int(percent / 100 * self.total + 0.5))
        seen = 0
        for index in sorted(self.counts):
            seen += self.counts[index]
            if seen >= wanted:
                return highest_in(index)
        return 0

    @property
    def highest_us(self) -> int:
        return highest_in(max(self.counts)) if self.counts else 0

    @property
    def lowest_us(self) -> int:
        return highest_in(min(self.counts)) if self.counts else 0

    @property
    def mean_us(self) -> float:
        """Of the middles of the buckets."""
        if not self.total:
            return 0.0
        return sum(_middle(index) * times for index, times in self.counts.items()) / self.total

    def buckets(self) -> Iterator[tuple[int, int]]:
        """(highest value in µs, count), ascending."""
        for index in sorted(self.counts):
            yield highest_in(index), self.counts[index]

    def encoded(self) -> str:
        """HdrHistogram's V2 compressed form in base 64: what stands in an .hlog and goes between processes."""
        return histogram_codec.encoded(self.counts, DIGITS, LOWEST_US, HIGHEST_US)

    @classmethod
    def decoded(cls, text: str) -> Histogram:
        """The inverse; ValueError where it is not the encoded form of this range."""
        return cls(histogram_codec.decoded(text, DIGITS, LOWEST_US, HIGHEST_US, index_of(HIGHEST_US) + 1))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<histogram of {self.total}, p50 {self.percentile(50)} µs, p99 {self.percentile(99)} µs>"


def _middle(index: int) -> float:
    high = highest_in(index)
    shift = max(0, (index >> _HALF_BITS) - 1)
    return high - ((1 << shift) - 1) / 2
