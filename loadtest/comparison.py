"""Comparing two runs: what changed, how sure that is, and whether it matters.

Pure; randomness comes in as an argument. A run is a row of seconds, and neighbouring seconds resemble each other, so
the bootstrap draws blocks of neighbours and not single seconds (Künsch, 1989; a block has n^(1/3) seconds). Each
resample is a run that might have been; the 95 % between the resampled differences is the interval. `worse` needs the
whole interval beyond the tolerance, so noise alone is never worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtest.histogram import highest_in
from loadtest.result import Clock, Result
from loadtest.words import is_good, number_of, time_of

RESAMPLES: Final = 2000
CONFIDENCE: Final = 0.95
TOLERANCE: Final = 0.05
RATIO_FLOOR: Final = 0.001  # a tenth of a point: of an error ratio of nought, five per cent would be nothing at all
AT_ONCE: Final = 250  # resamples in memory together: 250 × 4 000 buckets × 8 bytes is 8 MB
FEW_SECONDS: Final = 20  # fewer make an interval that should not be trusted

Matrix = NDArray[Any]


class Change(StrEnum):
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of both runs. `difference`, `low` and `high` are shares of A's value, or plain for a ratio."""

    name: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    change: Change
    shown: Callable[[float], str]
    is_ratio: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures, and what the reader must know about the two runs."""

    figures: tuple[Figure, ...]
    tolerance: float
    remarks: tuple[str, ...] = ()

    @property
    def is_worse(self) -> bool:
        return any(one.change is Change.WORSE for one in self.figures)


class IncomparableError(ValueError):
    """The runs differ in what must be equal; the text says in what."""


def obstacles(a: Result, b: Result) -> Iterator[str]:
    """Why the two should not be compared."""
    for name, label in (("scenario_hash", "scenarios"), ("dialect_hash", "dialects"), ("host", "generating hosts")):
        one, other = getattr(a.meta, name), getattr(b.meta, name)
        if one != other:
            yield f"the {label} differ: {one or 'unknown'} and {other or 'unknown'}"
    for label, result in (("A", a), ("B", b)):
        if not result.validity.valid:
            yield f"{label} is INVALID (generator-bound): {'; '.join(result.validity.reasons)}"
        if result.meta.lost_workers:
            yield f"{label} is partial: a worker was lost"


def compared(
    a: Result,
    b: Result,
    random: np.random.Generator,
    *,
    tolerance: float = TOLERANCE,
    force: bool = False,
    resamples: int = RESAMPLES,
) -> Comparison:
    """The comparison of B with A. IncomparableError without `force`; with it the reasons become remarks."""
    found = list(obstacles(a, b))
    if found and not force:
        raise IncomparableError("; ".join(found))
    runs = Seconds.of(a), Seconds.of(b)
    if not all(run.count for run in runs):
        raise IncomparableError("a run without a measured second cannot be compared")
    draws = [run.resampled(random, resamples) for run in runs]
    figures = tuple(
        judged(name, run_a, run_b, draws[0][name], draws[1][name], tolerance)
        for (name, run_a), run_b in zip(runs[0].figures().items(), runs[1].figures().values(), strict=True)
    )
    few = min(run.count for run in runs)
    weak = [f"only {few} measured seconds: the intervals are rough"] if few < FEW_SECONDS else []
    return Comparison(figures, tolerance, (*(f"compared by force: {one}" for one in found), *weak))


# --- a run as seconds


@dataclass(frozen=True)
class Seconds:
    """The measured seconds of a run: response times by bucket, and counters."""

    buckets: Matrix  # seconds × buckets: how many
    values: Matrix  # of each bucket, in µs
    counters: Matrix  # seconds × COUNTERS
    count: int

    @classmethod
    def of(cls, result: Result) -> Seconds:
        first, last = ceil(result.meta.warm_up_s), ceil(result.meta.measured_to_s)
        count = max(last - first, 0)
        indices = sorted(
            {
                index
                for (_, _, clock), one in result.histograms.items()
                if clock is Clock.RESPONSE
                for index in one.counts
            }
        )
        column = {index: place for place, index in enumerate(indices)}
        buckets = np.zeros((count, len(indices)))
        for (second, _, clock), one in result.histograms.items():
            if clock is Clock.RESPONSE and 0 <= second - first < count:
                for index, times in one.counts.items():
                    buckets[second - first, column[index]] += times
        values = np.array([highest_in(index) for index in indices], dtype=float)
        return cls(buckets, values, _counters(result, first, count), count)

    def figures(self) -> dict[str, float]:
        """Each figure of the run as it was."""
        ones = np.ones((1, self.count))
        return {name: float(values[0]) for name, values in self._figures(ones).items()}

    def resampled(self, random: np.random.Generator, times: int) -> dict[str, Matrix]:
        """Each figure of runs that might have been."""
        parts = [self._figures(self._weights(random, min(AT_ONCE, times - done))) for done in range(0, times, AT_ONCE)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _weights(self, random: np.random.Generator, times: int) -> Matrix:
        """How often each second is in each resample: blocks of neighbours, round the end to the beginning."""
        length = max(1, round(self.count ** (1 / 3)))
        blocks = ceil(self.count / length)
        starts = random.integers(0, self.count, (times, blocks))
        drawn = (starts[:, :, None] + np.arange(length)) % self.count
        drawn = drawn.reshape(times, -1)[:, : self.count]
        weights = np.zeros((times, self.count))
        np.add.at(weights, (np.arange(times)[:, None], drawn), 1.0)
        return weights

    def _figures(self, weights: Matrix) -> dict[str, Matrix]:
        counters = weights @ self.counters
        named = dict(zip(COUNTERS, counters.T, strict=True))
        answered, sent = np.maximum(named["answered"], 1), np.maximum(named["sent"], 1)
        offered = np.maximum(named["offered"], 1)
        return self._percentiles(weights) | {
            "throughput": named["received"] / weights.sum(axis=1),
            "declined": named["declined"] / answered,
            "timed out": named["timed_out"] / sent,
            "not sent": named["not_sent"] / offered,
        }

    def _percentiles(self, weights: Matrix) -> dict[str, Matrix]:
        if not len(self.values):
            return {f"response p{share:g}": np.zeros(len(weights)) for share in SHARES}
        sums = np.cumsum(weights @ self.buckets, axis=1)
        totals = sums[:, -1]
        return {
            f"response p{share:g}": self.values[
                np.minimum((sums < np.maximum(share / 100 * totals, 1)[:, None]).sum(axis=1), len(self.values) - 1)
            ]
            for share in SHARES
        }


SHARES: Final = (50.0, 90.0, 99.0, 99.9)
COUNTERS: Final = ("offered", "sent", "answered", "declined", "timed_out", "not_sent", "received")


def _counters(result: Result, first: int, count: int) -> Matrix:
    table = np.zeros((count, len(COUNTERS)))
    place = {name: number for number, name in enumerate(COUNTERS)}
    for key, counts in result.counts.items():
        if not 0 <= key.second - first < count:
            continue
        row = table[key.second - first]
        for name in ("offered", "sent", "answered", "timed_out", "not_sent"):
            row[place[name]] += getattr(counts, name)
        if not is_good(key.code):
            row[place["declined"]] += counts.answered
    for (second, _), gauge in result.gauges.items():
        if 0 <= second - first < count:
            table[second - first, place["received"]] += gauge.received
    return table


# --- the verdict


def judged(name: str, a: float, b: float, drawn_a: Matrix, drawn_b: Matrix, tolerance: float) -> Figure:
    """A figure's difference with its interval, and what that means."""
    is_ratio, more_is_better = name in RATIOS, name == "throughput"
    edge = (1 - CONFIDENCE) / 2
    if is_ratio:
        differences, difference = drawn_b - drawn_a, b - a
        bound = max(tolerance * a, RATIO_FLOOR)
    else:
        differences, difference = drawn_b / np.maximum(drawn_a, 1e-9) - 1, b / max(a, 1e-9) - 1
        bound = tolerance
    low, high = (float(one) for one in np.quantile(differences, (edge, 1 - edge)))
    shown = _percent if is_ratio else _rate if more_is_better else time_of
    return Figure(name, a, b, difference, low, high, _change(low, high, bound, more_is_better), shown, is_ratio)


def _change(low: float, high: float, bound: float, more_is_better: bool) -> Change:
    """
    >>> _change(0.06, 0.2, 0.05, False), _change(0.01, 0.2, 0.05, False), _change(-0.3, -0.1, 0.05, True)
    (<Change.WORSE: 'worse'>, <Change.SAME: 'same'>, <Change.WORSE: 'worse'>)
    """
    if low > bound:
        return Change.BETTER if more_is_better else Change.WORSE
    if high < -bound:
        return Change.WORSE if more_is_better else Change.BETTER
    return Change.SAME


RATIOS: Final = ("declined", "timed out", "not sent")


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _rate(value: float) -> str:
    return f"{number_of(round(value, 2))}/s"


# --- telling it


MARKS: Final[Mapping[Change, str]] = {Change.BETTER: "✅ better", Change.SAME: "same", Change.WORSE: "❌ **worse**"}


def markdown(comparison: Comparison, a: Result, b: Result) -> str:
    """For a pull request's comment."""
    word = "**Worse.**" if comparison.is_worse else "Not worse."
    lines = [
        f"### Load: {b.meta.scenario}",
        "",
        f"{word} Tolerance {comparison.tolerance:.0%}; A {a.meta.started}{_at(a)}, B {b.meta.started}{_at(b)}.",
        "",
        *(f"> ⚠ {remark}" for remark in comparison.remarks),
        *([""] if comparison.remarks else []),
        "| | A | B | difference | 95 % interval | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for one in comparison.figures:
        sides = f"{one.shown(one.a)} | {one.shown(one.b)}"
        span = f"{difference_of(one, one.low)} … {difference_of(one, one.high)}"
        lines.append(f"| {one.name} | {sides} | {difference_of(one, one.difference)} | {span} | {MARKS[one.change]} |")
    return "\n".join(lines) + "\n"


def difference_of(figure: Figure, value: float) -> str:
    """With its sign: of a ratio in points, of anything else in per cent."""
    return f"{100 * value:+.2f} {'pp' if figure.is_ratio else '%'}"


def _at(result: Result) -> str:
    return f" ({result.meta.commit[:10]})" if result.meta.commit else ""
