"""A sample of the counters every second, for two minutes: rates and a curve without a database.

Pure: who samples, and when, is `serve`'s. What is read are integers that the core counts anyway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

EVERY_S: Final = 1.0
KEPT: Final = 120
RATES_OVER: Final = 5  # samples: what "now" means


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters of one moment."""

    at: float
    ended: int
    asked: Mapping[tuple[str, str], int]  # frames towards the one who answers, by side and participant
    times: Mapping[str, tuple[int, float]]  # of issuers: answers, and seconds in all


class History:
    """The last samples.

    >>> history = History()
    >>> for at in range(4):
    ...     history.add(Sample(float(at), at * 10, {("issuer", "nbk"): at * 2}, {"nbk": (at, at * 0.5)}))
    >>> history.per_second, history.rate("issuer", "nbk"), history.took_s("nbk"), history.curve()[-3:]
    (10.0, 2.0, 0.5, [10.0, 10.0, 10.0])
    """

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=KEPT)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)

    @property
    def per_second(self) -> float:
        """Transactions that ended."""
        first, last = self._ends()
        return _rate(first.ended, last.ended, first, last) if first and last else 0.0

    def rate(self, side: str, participant: str) -> float:
        """Questions a second on all links of a participant."""
        first, last = self._ends()
        if first is None or last is None:
            return 0.0
        who = side, participant
        return _rate(first.asked.get(who, 0), last.asked.get(who, 0), first, last)

    def took_s(self, issuer: str) -> float | None:
        """How long its answers took on average of late; None: it gave none."""
        first, last = self._samples[0] if self._samples else None, self._samples[-1] if self._samples else None
        if first is None or last is None:
            return None
        before, after = first.times.get(issuer, (0, 0.0)), last.times.get(issuer, (0, 0.0))
        answers = after[0] - before[0]
        return (after[1] - before[1]) / answers if answers else None

    def curve(self) -> list[float]:
        """Transactions a second, sample by sample, the last one last."""
        samples = list(self._samples)
        return [_rate(one.ended, two.ended, one, two) for one, two in pairwise(samples)]

    def _ends(self) -> tuple[Sample | None, Sample | None]:
        samples = self._samples
        if len(samples) < 2:
            return None, None
        return samples[-min(len(samples), RATES_OVER + 1)], samples[-1]


def _rate(before: int, after: int, first: Sample, last: Sample) -> float:
    return (after - before) / (last.at - first.at) if last.at > first.at else 0.0
