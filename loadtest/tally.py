"""The tally: counters and latencies while a run goes on, cheap to add to, made into a `Result` when asked.

Latencies are appended to arrays and become histograms in batches, when there is time. Pure: the clocks are others'.
"""

from __future__ import annotations

from array import array
from typing import Final

from loadtest.histogram import Histogram
from loadtest.result import Clock, CountKey, Counts, Gauge, Meta, Result

BATCH: Final = 4096  # samples a drain takes at most: a millisecond and a half
_PER_US: Final = 1000

Row = tuple[str, str, str, int]  # flow, MTI, DE 39, link
Group = tuple[int, str, str]  # second, flow, DE 39 ("" for what was never answered)


class Tally:
    def __init__(self) -> None:
        self.counts: dict[int, dict[Row, Counts]] = {}  # second -> its rows
        self.gauges: dict[tuple[int, int], Gauge] = {}
        self._samples: dict[Group, tuple[array[int], array[int], array[int]]] = {}
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

    def answered(self, group: Group, response: int, service: int, lateness: int) -> None:
        """Three durations of an answered message, in ns."""
        samples = self._samples.get(group)
        if samples is None:
            samples = self._samples[group] = (array("q"), array("q"), array("q"))
        samples[0].append(response)
        samples[1].append(service)
        samples[2].append(lateness)

    def unanswered(self, second: int, flow: str, waited: int, lateness: int | None) -> None:
        """How long somebody waited in vain, at least; `lateness` None: it was not even sent. In ns."""
        self._histogram(second, flow, Clock.RESPONSE).record(waited // _PER_US)
        if lateness is not None:
            self._histogram(second, flow, Clock.LATENESS).record(lateness // _PER_US)

    def gauge(self, second: int, link: int) -> Gauge:
        return self.gauges.setdefault((second, link), Gauge())

    @property
    def waiting(self) -> int:
        """Samples that are no histogram yet."""
        return sum(len(samples[0]) for samples in self._samples.values())

    def drain(self, most: int | None = None) -> None:
        """Make samples into histograms; `most`: no more than about so many now."""
        taken = 0
        for group in list(self._samples):
            second, flow, _ = group
            response, service, lateness = self._samples.pop(group)
            times = [value // _PER_US for value in response]
            self._histogram(second, flow, Clock.RESPONSE).record_all(times)
            self._histogram(second, flow, Clock.SERVICE).record_all([value // _PER_US for value in service])
            self._histogram(second, flow, Clock.LATENESS).record_all([value // _PER_US for value in lateness])
            self._by_code.setdefault(group, Histogram()).record_all(times)
            taken += len(times)
            if most is not None and taken >= most:
                return

    def result(self, meta: Meta, since: int = 0) -> Result:
        """What is known now of the seconds from `since` on. The histograms are shared, not copied."""
        self.drain()
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
