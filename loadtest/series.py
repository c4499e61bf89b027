"""What a run looked like over time: a result cut into equal stretches, ready to be drawn or tabulated.

Pure. A long run has more seconds than a chart has room for, so seconds are taken together until they fit; rates
stay rates per second. Drawing is for `charts` (HTML) and `pictures` (PNG), which show the same figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log10
from typing import Final

from loadtest.histogram import Histogram
from loadtest.result import NO_CODE, WHOLE, Clock, Result

STRETCHES_MOST: Final = 180  # a chart of 900 points has five for each
HEAT_LOWEST_US, HEAT_PER_DECADE = 100, 8  # rows of the heat map: eight to a tenfold, the lowest takes all below
UNANSWERED: Final = "no answer"
NOT_SENT: Final = "not sent"
SHARES: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999)


@dataclass(frozen=True)
class Series:
    """A result over time. All lists have one entry a stretch of `width` seconds."""

    result: Result
    stretches_most: int = STRETCHES_MOST

    @cached_property
    def seconds(self) -> int:
        """How long the charts are: to the last second in which anything happened."""
        ends = [ceil(self.result.meta.measured_to_s)]
        ends += [key.second + 1 for key in self.result.counts]
        ends += [second + 1 for second, _ in self.result.gauges]
        return max(1, *ends)

    @cached_property
    def width(self) -> int:
        """Seconds a stretch."""
        return max(1, ceil(self.seconds / self.stretches_most))

    @cached_property
    def count(self) -> int:
        return ceil(self.seconds / self.width)

    @cached_property
    def starts(self) -> list[int]:
        """The second in which each stretch begins."""
        return [number * self.width for number in range(self.count)]

    def _summed(self, values: Sequence[tuple[int, float]]) -> list[float]:
        sums = [0.0] * self.count
        for second, value in values:
            if 0 <= second < self.seconds:
                sums[second // self.width] += value
        return sums

    def _per_second(self, values: Sequence[tuple[int, float]]) -> list[float]:
        return [value / self._length(number) for number, value in enumerate(self._summed(values))]

    def _length(self, number: int) -> int:
        """Seconds of a stretch; the last may be shorter."""
        return min(self.width, self.seconds - number * self.width)

    # --- rates

    @cached_property
    def offered(self) -> list[float]:
        """Messages planned, per second."""
        return self._per_second([(key.second, counts.offered) for key, counts in self.result.counts.items()])

    @cached_property
    def achieved(self) -> list[float]:
        """Answers that came in, per second."""
        return self._per_second([(second, gauge.received) for (second, _), gauge in self.result.gauges.items()])

    @cached_property
    def outcomes(self) -> dict[str, list[float]]:
        """Per second, by DE 39 of the answer, the commonest first; then what got none, and what was never sent."""
        values: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for key, counts in self.result.counts.items():
            if key.code != NO_CODE or counts.answered:
                values[key.code].append((key.second, counts.answered))
            values[UNANSWERED].append((key.second, max(counts.timed_out - counts.late, 0)))
            values[NOT_SENT].append((key.second, counts.not_sent))
        rates = {name: self._per_second(entries) for name, entries in values.items()}
        last = (UNANSWERED, NOT_SENT)
        ordered = sorted(
            rates, key=lambda name: (name in last, last.index(name) if name in last else -sum(rates[name]))
        )
        return {name: rates[name] for name in ordered if any(rates[name])}

    # --- links

    @cached_property
    def in_flight(self) -> list[float]:
        """The most messages under way at once in each stretch, all links together."""
        by_second: dict[int, int] = defaultdict(int)
        for (second, _), gauge in self.result.gauges.items():
            by_second[second] += gauge.in_flight_max
        return self._most(by_second)

    @cached_property
    def gaps(self) -> dict[int, list[float]]:
        """Link -> the share of each stretch in which it was not up, 0 to 1; links without a gap are left out."""
        entries: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for (second, link), gauge in sorted(self.result.gauges.items()):
            entries[link].append((second, gauge.gap_ms / 1000))
        shares = {link: self._per_second(values) for link, values in sorted(entries.items())}
        return {link: [min(value, 1.0) for value in values] for link, values in shares.items() if any(values)}

    def _most(self, by_second: Mapping[int, float]) -> list[float]:
        most = [0.0] * self.count
        for second, value in by_second.items():
            if 0 <= second < self.seconds:
                most[second // self.width] = max(most[second // self.width], value)
        return most

    # --- latency

    def over_time(self, clock: Clock) -> list[Histogram]:
        """The histogram of each stretch, all flows together."""
        merged = [Histogram() for _ in range(self.count)]
        for (second, _, of), histogram in self.result.histograms.items():
            if of is clock and 0 <= second < self.seconds:
                merged[second // self.width].add(histogram)
        return merged

    @cached_property
    def response(self) -> list[Histogram]:
        return self.over_time(Clock.RESPONSE)

    @cached_property
    def lateness(self) -> list[Histogram]:
        return self.over_time(Clock.LATENESS)

    @cached_property
    def heat(self) -> list[dict[int, int]]:
        """Of each stretch: row -> messages whose response time falls into it."""
        rows: list[dict[int, int]] = []
        for histogram in self.response:
            row: dict[int, int] = defaultdict(int)
            for value_us, times in histogram.buckets():
                row[heat_row(value_us)] += times
            rows.append(dict(row))
        return rows

    def curve(self, clock: Clock, flow: str = WHOLE) -> list[tuple[float, int]]:
        """(percent, µs) of the measured part, no further out than there are messages to tell."""
        histogram = self.result.histogram(clock, flow)
        if not histogram.total:
            return []
        told = [(share, histogram.percentile(share)) for share in SHARES if (100 - share) / 100 * histogram.total >= 1]
        return [*told, (100.0, histogram.highest_us)]


def heat_row(value_us: int) -> int:
    """
    >>> heat_row(1), heat_row(100), heat_row(1000), heat_row(999)
    (0, 0, 8, 7)
    """
    return max(0, int(log10(max(value_us, 1) / HEAT_LOWEST_US) * HEAT_PER_DECADE + 1e-9))


def heat_floor_us(row: int) -> float:
    """The lowest value of a row.

    >>> round(heat_floor_us(8))
    1000
    """
    return float(HEAT_LOWEST_US * 10 ** (row / HEAT_PER_DECADE))
