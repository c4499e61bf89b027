"""A threshold: one comparison of a named figure with a number and its unit. A small parser reads it; nothing is run.

    response.p99 < 50ms            of all flows; also service, lateness; p50 … p99.99, mean, max
    purchase.response.p99.9 < 200ms
    approved.ratio > 97%           of what was answered; declined.ratio, de39.91.ratio the same
    timeout.ratio < 1%             of what was sent; late, not_sent, unmatched, doubled, garbage, reversed, unexpected
    lost == 0                      a finding of the audit, or a counter: lost, doubled, timed_out, …
    achieved > 950/s               offered, sent, achieved; achieved.ratio is achieved by offered

Pure: a `Result` in, an outcome out.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from loadtest.result import COUNTED, FINDINGS, WHOLE, Clock, Result, ThresholdOutcome
from loadtest.words import is_good

COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
#: Unit -> what it measures and how many of the figure's own unit (µs, a share, a rate, a count) it is.
UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "us": ("time", 1.0),
    "µs": ("time", 1.0),
    "ms": ("time", 1e3),
    "s": ("time", 1e6),
    "%": ("share", 0.01),
    "/s": ("rate", 1.0),
    "": ("count", 1.0),
}
RATES: Final = ("offered", "sent", "achieved")
#: What a ratio's name counts; all of them by what was sent, but for those of the answers and of the arrivals.
OF_SENT: Final = {"timeout": "timed_out", "timed_out": "timed_out"} | {
    name: name for name in ("late", "unmatched", "doubled", "garbage", "reversed", "unexpected", "answered")
}
_TEXT: Final = re.compile(
    r"\s*([a-z0-9_.A-Z]+)\s*(<=|>=|==|!=|<|>)\s*(-?[0-9][0-9_]*(?:\.[0-9]+)?)\s*(us|µs|ms|s|%|/s)?\s*"
)
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?|100)")
_CODE: Final = re.compile(r"de39\.([0-9A-Z]{2,3})\.ratio")

Figure = Callable[[Result], float | None]


@dataclass(frozen=True)
class Threshold:
    """One line of `[thresholds]`, understood."""

    text: str
    figure: Figure
    holds: Callable[[float, float], bool]
    limit: float  # in the figure's own unit
    scale: float  # of the text's unit
    clock: Clock | None  # of which latency it speaks, if it does

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """ValueError says what cannot be understood.

        >>> Threshold.parse("response.p99 < 50ms").limit
        50000.0
        >>> Threshold.parse("speed > 3")
        Traceback (most recent call last):
        ValueError: 'speed > 3': there is no figure called speed
        """
        parts = _TEXT.fullmatch(text)
        if parts is None:
            raise ValueError(f"{text!r} is not FIGURE < NUMBER UNIT")
        name, comparison, number, unit = parts[1], parts[2], parts[3], parts[4] or ""
        found = _figure(name)
        if found is None:
            raise ValueError(f"{text!r}: there is no figure called {name}")
        measures, figure, clock = found
        kind, scale = UNITS[unit]
        if kind == "count" and measures in ("share", "rate"):
            kind = measures  # 0.97 for 97%, 950 for 950/s
        if kind != measures:
            raise ValueError(f"{text!r}: {name} is a {measures}, and {unit or 'a bare number'} is none")
        return cls(text, figure, COMPARISONS[comparison], float(number.replace("_", "")) * scale, scale, clock)

    def outcome(self, result: Result, kind: str = "hold") -> ThresholdOutcome:
        """Nothing measured holds nothing: a threshold about what never happened was not kept."""
        value = self.figure(result)
        held = value is not None and self.holds(value, self.limit)
        shown = None if value is None else round(value / self.scale, 6)
        return ThresholdOutcome(text=self.text, held=held, value=shown, kind=kind)

    def is_met(self, result: Result) -> bool:
        """Whether the comparison is true; of nothing measured it is not."""
        return self.outcome(result).held

    def speaks_of_response_below(self, microseconds: float) -> bool:
        return self.clock is Clock.RESPONSE and self.limit < microseconds


def _figure(name: str) -> tuple[str, Figure, Clock | None] | None:
    """What a name measures, how to read it off a result, and of which clock."""
    if latency := _latency(name):
        return "time", *latency
    if code := _CODE.fullmatch(name):
        return "share", _share_of_answers(WHOLE, lambda given: given == code[1]), None
    flow, _, rest = name.rpartition(".")
    if rest == "ratio":
        share = _share(flow)
        return ("share", share, None) if share else None
    if name in RATES:
        return "rate", lambda result: result.rates()[name], None
    if name in FINDINGS:
        return "count", lambda result: float(result.audit.finding(name).count), None
    if name in COUNTED:
        return "count", lambda result: float(getattr(result.total(), name)), None
    return None


def _latency(name: str) -> tuple[Figure, Clock] | None:
    for clock in Clock:
        flow, found, which = name.rpartition(f"{clock.value}.")
        if found and (not flow or flow.endswith(".")):
            statistic = _statistic(which)
            return (_of_histogram(clock, flow.removesuffix(".") or WHOLE, statistic), clock) if statistic else None
    return None


def _statistic(name: str) -> Callable[..., float] | None:
    if percentile := _PERCENTILE.fullmatch(name):
        return lambda histogram: histogram.percentile(float(percentile[1]))
    return {"mean": lambda histogram: histogram.mean_us, "max": lambda histogram: histogram.highest_us}.get(name)


def _of_histogram(clock: Clock, flow: str, statistic: Callable[..., float]) -> Figure:
    def figure(result: Result) -> float | None:
        histogram = result.histogram(clock, flow)
        return statistic(histogram) if histogram.total else None

    return figure


def _share(name: str) -> Figure | None:
    """`approved`, `timeout`, `purchase.approved`, `achieved`: a part by its whole."""
    flow, _, what = name.rpartition(".")
    if what == "achieved" and not flow:
        return lambda result: _by(result.rates()["achieved"], result.rates()["offered"])
    if what == "approved":
        return _share_of_answers(flow or WHOLE, is_good)
    if what == "declined":
        return _share_of_answers(flow or WHOLE, lambda code: not is_good(code))
    if what == "not_sent":
        return _share_of_counts(flow or WHOLE, "not_sent", "offered")
    return _share_of_counts(flow or WHOLE, OF_SENT[what], "sent") if what in OF_SENT else None


def _share_of_counts(flow: str, part: str, whole: str) -> Figure:
    def figure(result: Result) -> float | None:
        total = result.total(flow)
        return _by(getattr(total, part), getattr(total, whole))

    return figure


def _share_of_answers(flow: str, belongs: Callable[[str], bool]) -> Figure:
    def figure(result: Result) -> float | None:
        answered = {code: result.total(flow, code=code).answered for code in result.codes()}
        return _by(sum(number for code, number in answered.items() if belongs(code)), sum(answered.values()))

    return figure


def _by(part: float, whole: float) -> float | None:
    return part / whole if whole else None
