"""The tally: counters and latencies while a run goes on, cheap to add to, made into a `Result` when asked.

Pure: the clocks are others'.
"""

from __future__ import annotations

from typing import Final

from loadtest.histogram import Histogram, index_of
from loadtest.result import Clock, CountKey, Counts, Gauge, Meta, Result

_PER_US: Final = 1000

Row = tuple[str, str, str, int]  # flow, MTI, DE 39, link
Group = tuple[int, str, str]  # second, flow, DE 39 ("" for what was never answered)


class _Group:
    """The histograms of one second, flow and DE 39: three clocks, and the response again for the split by code."""

    __slots__ = ("by_code", "lateness", "response", "service")

    def __init__(self, response: Histogram, service: Histogram, lateness: Histogram, by_code: Histogram) -> None:
        self.response, self.service, self.lateness, self.by_code = response, service, lateness, by_code


class Tally:
    def __init__(self) -> None:
        self.counts: dict[int, dict[Row, Counts]] = {}  # second -> its rows
        self.gauges: dict[tuple[int, int], Gauge] = {}
        self._groups: dict[Group, _Group] = {}
        self._histograms: dict[tuple[int, str, Clock], Histogram] = {}
        self._by_code: dict[Group, Histogram] = {}

    def row(self, second: int, flow: str, mti: str, code: str, link: int) -> Counts:
        """The counters of a key, to be added to."""
        rows = self.counts.get(second)
        if rows is None:
            rows = self.counts[second] = {}
        key = (flow, mti, code, link)
        counts = rows.get(key)
        if counts is None:
            counts = rows[key] = Counts()
        return counts

    def answered(self, key: Group, response: int, service: int, lateness: int) -> None:
        """Three durations of an answered message, in ns.

        Recorded at once: a bucket of a dictionary costs a third of a microsecond, and no batch stops the clock later.
        """
        group = self._groups.get(key) or self._group(key)
        index = index_of(response // _PER_US or 1)
        for histogram in (group.response, group.by_code):
            counts = histogram.counts
            counts[index] = counts.get(index, 0) + 1
            histogram.total += 1
        for histogram, value in ((group.service, service), (group.lateness, lateness)):
            index = index_of(value // _PER_US or 1)
            counts = histogram.counts
            counts[index] = counts.get(index, 0) + 1
            histogram.total += 1

    def _group(self, key: Group) -> _Group:
        second, flow, _ = key
        group = self._groups[key] = _Group(
            self._histogram(second, flow, Clock.RESPONSE),
            self._histogram(second, flow, Clock.SERVICE),
            self._histogram(second, flow, Clock.LATENESS),
            self._by_code.setdefault(key, Histogram()),
        )
        return group

    def unanswered(self, second: int, flow: str, waited: int, lateness: int | None) -> None:
        """How long somebody waited in vain, at least; `lateness` None: it was not even sent. In ns."""
        self._histogram(second, flow, Clock.RESPONSE).record(waited // _PER_US)
        if lateness is not None:
            self._histogram(second, flow, Clock.LATENESS).record(lateness // _PER_US)

    def gauge(self, second: int, link: int) -> Gauge:
        return self.gauges.setdefault((second, link), Gauge())

    def result(self, meta: Meta, since: int = 0) -> Result:
        """What is known now of the seconds from `since` on. The histograms are shared, not copied."""
        return Result(
            meta=meta,
            histograms={key: one for key, one in self._histograms.items() if key[0] >= since},
            by_code={key: one for key, one in self._by_code.items() if key[0] >= since},
            counts={
                CountKey(second, *row): counts
                for second, rows in self.counts.items()
                if second >= since
                for row, counts in rows.items()
            },
            gauges={key: gauge for key, gauge in self.gauges.items() if key[0] >= since},
        )

    def _histogram(self, second: int, flow: str, clock: Clock) -> Histogram:
        key = (second, flow, clock)
        histogram = self._histograms.get(key)
        if histogram is None:
            histogram = self._histograms[key] = Histogram()
        return histogram
