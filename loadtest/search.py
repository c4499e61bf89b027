"""`find-max`: the highest rate that keeps the thresholds, searched as a plan of probes.

Pure: a generator that yields a `Probe` and is sent its `Heard`; who probes real hosts is `commands/find_max`, the
tests probe a formula. The steps: a baseline at 1 % of the guess; probes growing by half until one fails; halving the
rest to 3 %; then three long runs at 95 % of the highest rate that passed, all of which must pass.

An invalid probe (the generator was the bottleneck) ends the search with "at least": it is not the host's limit.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from loadtest.result import Clock, Result
from loadtest.words import number_of, time_of

BASELINE: Final = 0.01  # of the guess
GROWTH: Final = 1.5
CLOSE_ENOUGH: Final = 0.03
CONFIRM_AT: Final = 0.95
STEP_DOWN: Final = 0.95
CONFIRMATIONS: Final = 3
RECOVERED: Final = 1.2  # times the baseline's p50
RECOVERIES_MOST: Final = 10  # quiet probes after a failure, before the host is believed to stay slow
SLOWEST_PER_S: Final = 1.0
ACHIEVED_AT_LEAST: Final = 0.995
RISE_AT_LEAST: Final = 5.0  # messages: in flight goes up and down by a few by itself
DOWN_MOST: Final = 12  # first probes that fail before there is nothing to find: the guess by a hundred


class Purpose(StrEnum):
    BASELINE = "baseline"
    GROW = "grow"
    BISECT = "bisect"
    RECOVER = "recover"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long probes take, and all of them together."""

    settle_s: float = 5.0
    measure_s: float = 20.0
    confirm_s: float = 60.0
    recover_s: float = 2.0
    budget_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One run that is wanted: messages a second, seconds that do not count, seconds that do."""

    purpose: Purpose
    rate: float
    settle_s: float
    measure_s: float

    @property
    def lasts_s(self) -> float:
        return self.settle_s + self.measure_s


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a probe. `why` names each reason for which it did not pass."""

    passed: bool
    valid: bool = True
    why: tuple[str, ...] = ()
    achieved: float = 0.0
    p50_us: float = 0.0
    p99_us: float = 0.0
    took_s: float = 0.0  # by the wall, with connecting and draining


class Ending(StrEnum):
    FOUND = "found"
    AT_LEAST = "at least"  # the generator was at its end before the host
    OUT_OF_BUDGET = "out of budget"
    NOTHING = "nothing"  # no rate passed
    NOT_RECOVERED = "not recovered"  # the host stayed slow after a probe that failed


@dataclass(frozen=True, slots=True)
class Step:
    """A probe and what came of it: a point of the knee."""

    probe: Probe
    heard: Heard


@dataclass(frozen=True, slots=True)
class Limit:
    """What was found. `rate` None: no rate is known to pass."""

    ending: Ending
    rate: float | None = None
    confirmed: int = 0
    p99_us: float = 0.0
    breaks_at: float | None = None
    breaks_by: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def sentence(self) -> str:
        """The answer, for people.

        >>> Limit(Ending.FOUND, 1840, 3, 43_000, 1930, ("response.p99 < 50ms",)).sentence.replace(chr(0x202F), " ")
        'max 1 840/s with p99 of 43.0 ms (3/3); breaks at 1 930/s by response.p99 < 50ms'
        """
        if self.rate is None and self.ending is Ending.AT_LEAST:
            return "nothing can be said: the generator was at its end before the host at the first rate that was tried"
        if self.rate is None:
            by = f": {', '.join(self.breaks_by)}" if self.breaks_by else ""
            return f"no rate passed{_down_to(self.breaks_at)}{by}"
        kind = "max" if self.ending is Ending.FOUND else "at least"
        said = f"{kind} {_rate(self.rate)} with p99 of {time_of(self.p99_us)} ({self.confirmed}/{CONFIRMATIONS})"
        if self.breaks_at is not None:
            said += f"; breaks at {_rate(self.breaks_at)} by {', '.join(self.breaks_by)}"
        return said + ENDING_WORDS[self.ending]


ENDING_WORDS: Final = {
    Ending.FOUND: "",
    Ending.NOTHING: "",
    Ending.AT_LEAST: "; there the generator was at its end, so this is not the host's limit",
    Ending.OUT_OF_BUDGET: "; the time was up before more could be known",
    Ending.NOT_RECOVERED: "; afterwards the host stayed slow, so the search ended",
}

Search = Generator[Probe, Heard, Limit]


def search(guess: float, timing: Timing = Timing()) -> Search:
    """All probes of one search, each sent its answer; what was found is the generator's return value."""
    return _Searching(guess, timing).run()


class _Over(Exception):  # noqa: N818 - not an error: the search ends here
    """The search ends before its last step."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending


@dataclass(slots=True)
class _Searching:
    """What a search knows so far."""

    guess: float
    timing: Timing
    steps: list[Step] = field(default_factory=list)
    spent_s: float = 0.0
    p50_us: float = 0.0
    passing: Step | None = None  # the highest
    failing: Step | None = None  # the lowest
    confirmed: int = 0

    def run(self) -> Search:
        try:
            yield from self._baseline()
            yield from self._grow()
            yield from self._bisect()
            yield from self._confirm()
        except _Over as over:
            return self._limit(over.ending)
        return self._limit(Ending.FOUND)

    def _baseline(self) -> Generator[Probe, Heard, None]:
        heard = yield from self._ask(Purpose.BASELINE, self._quiet_rate)
        self.p50_us = heard.p50_us
        if not heard.passed:
            self.failing = self.steps[-1]
            raise _Over(Ending.NOTHING)

    def _grow(self) -> Generator[Probe, Heard, None]:
        rate = self.guess
        for _ in range(DOWN_MOST):  # a guess too high: down until something passes
            if (yield from self._passes(Purpose.GROW, rate)):
                break
            rate = max(rate / GROWTH, SLOWEST_PER_S)
        else:
            raise _Over(Ending.NOTHING)
        while self.failing is None:
            rate *= GROWTH
            yield from self._passes(Purpose.GROW, rate)

    def _bisect(self) -> Generator[Probe, Heard, None]:
        while self._high / self._low > 1 + CLOSE_ENOUGH:
            yield from self._passes(Purpose.BISECT, (self._high + self._low) / 2)

    def _confirm(self) -> Generator[Probe, Heard, None]:
        """Three long runs; a rate that does not hold is stepped down, and all three are run again."""
        rate = self._low * CONFIRM_AT
        while rate >= SLOWEST_PER_S:
            self.confirmed = 0
            while self.confirmed < CONFIRMATIONS:
                if not (yield from self._passes(Purpose.CONFIRM, rate)):
                    break
                self.confirmed += 1
            else:
                return
            rate *= STEP_DOWN
        raise _Over(Ending.NOTHING)

    # --- one probe

    def _passes(self, purpose: Purpose, rate: float) -> Generator[Probe, Heard, bool]:
        """Whether a rate passes; after one that does not, the host is waited for."""
        heard = yield from self._ask(purpose, rate)
        step = self.steps[-1]
        if heard.passed:
            if purpose is Purpose.CONFIRM or self.passing is None or rate > self.passing.probe.rate:
                self.passing = step
            return True
        if self.failing is None or rate < self.failing.probe.rate:
            self.failing = step
        if purpose is Purpose.CONFIRM:
            self.passing = None  # what passed briefly did not hold for long
        yield from self._recover()
        return False

    def _recover(self) -> Generator[Probe, Heard, None]:
        for _ in range(RECOVERIES_MOST):
            heard = yield from self._ask(Purpose.RECOVER, self._quiet_rate)
            if heard.p50_us <= RECOVERED * self.p50_us:
                return
        raise _Over(Ending.NOT_RECOVERED)

    def _ask(self, purpose: Purpose, rate: float) -> Generator[Probe, Heard, Heard]:
        measure_s = {Purpose.CONFIRM: self.timing.confirm_s, Purpose.RECOVER: self.timing.recover_s}
        settle_s = 0.0 if purpose is Purpose.RECOVER else self.timing.settle_s
        probe = Probe(purpose, rate, settle_s, measure_s.get(purpose, self.timing.measure_s))
        if self.spent_s + probe.lasts_s > self.timing.budget_s:
            raise _Over(Ending.OUT_OF_BUDGET)
        heard = yield probe
        self.spent_s += max(heard.took_s, probe.lasts_s)
        self.steps.append(Step(probe, heard))
        if not heard.valid and purpose is not Purpose.RECOVER:
            raise _Over(Ending.AT_LEAST)
        return heard

    @property
    def _quiet_rate(self) -> float:
        return max(self.guess * BASELINE, SLOWEST_PER_S)

    @property
    def _low(self) -> float:
        return self.passing.probe.rate if self.passing else 0.0

    @property
    def _high(self) -> float:
        return self.failing.probe.rate if self.failing else self._low

    def _limit(self, ending: Ending) -> Limit:
        passing, failing = self.passing, self.failing
        if passing is None and ending is Ending.OUT_OF_BUDGET:
            passing = self._highest_that_ever_passed()
        if passing is None:
            ending = ending if ending is not Ending.FOUND else Ending.NOTHING
        return Limit(
            ending,
            passing.probe.rate if passing else None,
            self.confirmed,
            passing.heard.p99_us if passing else 0.0,
            failing.probe.rate if failing else None,
            failing.heard.why if failing else (),
            tuple(self.steps),
        )

    def _highest_that_ever_passed(self) -> Step | None:
        """Below what failed; a confirmation that failed says that more was luck."""
        most = self._high or float("inf")
        passed = [step for step in self.steps if step.heard.passed and step.probe.purpose is not Purpose.RECOVER]
        below = [step for step in passed if step.probe.rate < most]
        return max(below, key=lambda step: step.probe.rate, default=None)


# --- judging a run


def heard_of(result: Result, took_s: float) -> Heard:
    """Whether a run was a probe that passed, and if not, why. Thresholds have been judged by the run."""
    rates, response = result.rates(), result.histogram(Clock.RESPONSE)
    why = [one.text for one in result.thresholds if not one.held]
    if rates["achieved"] < ACHIEVED_AT_LEAST * rates["offered"]:
        why.append(f"achieved {number_of(round(rates['achieved'], 1))}/s")
    if rises(in_flight_by_second(result)):
        why.append("in flight kept rising")
    if result.audit.failed:
        why.append("the audit failed")
    if result.meta.unreachable:
        why.append("the target could not be reached")
    return Heard(
        not why and result.validity.valid,
        result.validity.valid,
        tuple(why),
        rates["achieved"],
        response.percentile(50),
        response.percentile(99),
        took_s,
    )


def in_flight_by_second(result: Result) -> list[float]:
    """Of the measured part: messages under way at the end of each second, all links together."""
    sums: dict[int, float] = {}
    for (second, _), gauge in result.gauges.items():
        if result.is_measured(second):
            sums[second] = sums.get(second, 0) + gauge.in_flight
    return [sums[second] for second in sorted(sums)]


def rises(values: list[float]) -> bool:
    """Whether they go up over the whole stretch, by least squares, by more than they go up and down by themselves.

    >>> rises([3, 4, 2, 5, 3, 4]), rises([3, 10, 22, 31, 45, 60]), rises([])
    (False, True, False)
    """
    count = len(values)
    if count < 3:
        return False
    middle, mean = (count - 1) / 2, sum(values) / count
    spread = sum((at - middle) ** 2 for at in range(count))
    slope = sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread
    return slope * (count - 1) > max(RISE_AT_LEAST, 0.5 * mean)


def _rate(value: float) -> str:
    return f"{number_of(round(value) if value >= 10 else round(value, 1))}/s"


def _down_to(rate: float | None) -> str:
    return "" if rate is None else f" down to {_rate(rate)}"
