"""`load find-max SCENARIO`: the highest rate at which a host keeps the scenario's thresholds.

The scenario's own arrivals are replaced by a constant rate, probe by probe; everything else (mix, values, links,
thresholds) stays. Ends with one sentence, a page with the knee, and every probe as a run directory.

Exit codes: 0 a limit was found and confirmed, or the generator was at its end ("at least"); 99 no rate passed or the
host did not recover; 2, 3 as `run`; 4 the time was up, or the generator was at its end at once.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from time import monotonic

import trio

from loadtest.commands.run import add_scenario, scenario_of
from loadtest.knee import knee_page
from loadtest.rails import RATE_MAX
from loadtest.result import Exit, Result
from loadtest.scenario import Scenario
from loadtest.search import Ending, Heard, Limit, Probe, Timing, heard_of, search
from loadtest.shell.run import run_scenario
from loadtest.usage import UsageError
from loadtest.words import number_of, time_of

HELP = "find the highest rate that keeps the thresholds"
EXITS = {
    Ending.FOUND: Exit.PASSED,
    Ending.AT_LEAST: Exit.PASSED,  # where a rate passed; without one nothing is known
    Ending.OUT_OF_BUDGET: Exit.INVALID,
    Ending.NOTHING: Exit.THRESHOLD,
    Ending.NOT_RECOVERED: Exit.THRESHOLD,
}


def configure(parser: argparse.ArgumentParser) -> None:
    usual = Timing()
    add_scenario(parser)
    parser.add_argument("--guess", type=float, default=100.0, metavar="RATE", help="where to begin, per second (100)")
    parser.add_argument("--out", type=Path, default=Path("load-limit"), metavar="DIR", help="(load-limit)")
    parser.add_argument("--budget", type=float, default=usual.budget_s, metavar="S", help="in all (600)")
    parser.add_argument("--settle", type=float, default=usual.settle_s, metavar="S", help="before each measuring (5)")
    parser.add_argument("--measure", type=float, default=usual.measure_s, metavar="S", help="each probe (20)")
    parser.add_argument(
        "--confirm", type=float, default=usual.confirm_s, metavar="S", help="each of the last three (60)"
    )


def main(options: argparse.Namespace) -> int:
    scenario, rate_most = scenario_of(options), options.max_rate or RATE_MAX
    if not scenario.thresholds.hold:
        raise UsageError("find-max needs [thresholds] hold: without them every rate passes")
    if not 1 <= options.guess <= rate_most:
        raise UsageError(f"--guess: from 1 to {rate_most:g} per second")
    timing = Timing(options.settle, options.measure, options.confirm, budget_s=options.budget)
    prober = Prober(scenario, options.out, rate_most)
    limit = prober.find(options.guess, timing)
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / "limit.html"
    page.write_text(knee_page(limit, scenario.name), encoding="utf-8")
    print(f"\n{limit.sentence}\n{page}")
    if prober.unreachable:
        return Exit.UNREACHABLE
    return Exit.INVALID if limit.rate is None and limit.ending is Ending.AT_LEAST else EXITS[limit.ending]


class Prober:
    """Carries out the probes of a search as runs, and tells each in a line."""

    def __init__(self, scenario: Scenario, out: Path, rate_most: float) -> None:
        self._scenario, self._out, self._rate_most = scenario, out, rate_most
        self._number = 0
        self.unreachable = ""

    def find(self, guess: float, timing: Timing) -> Limit:
        searching = search(guess, timing)
        probe = next(searching)
        while True:
            try:
                probe = searching.send(self._heard(probe))
            except StopIteration as ended:
                limit: Limit = ended.value
                return limit

    def _heard(self, probe: Probe) -> Heard:
        if probe.rate > self._rate_most:  # the rail is ours, not the host's limit
            return Heard(False, valid=False, why=(f"--max-rate {self._rate_most:g}",))
        began = monotonic()
        result = trio.run(run_scenario, probing(self._scenario, probe))
        self._number += 1
        result.write(self._out / f"probe-{self._number:02d}")
        self.unreachable = self.unreachable or result.meta.unreachable
        heard = heard_of(result, monotonic() - began)
        print(_line(probe, heard, result), flush=True)
        return replace(heard, valid=heard.valid or bool(result.meta.unreachable))


def probing(scenario: Scenario, probe: Probe) -> Scenario:
    """The scenario at a probe's rate; its plan is a constant one, its aborts are left to the search."""
    arrivals = ({"shape": "constant", "rate_per_s": probe.rate, "for_s": probe.lasts_s},)
    plan = {"seed": scenario.plan.seed, "warm_up_s": probe.settle_s, "arrivals": arrivals}
    content = scenario.model_dump(mode="python", exclude={"plan", "title"}, by_alias=True)
    content["thresholds"] = {"hold": scenario.thresholds.hold}
    content["mix"] = {name: {"weight": one.weight, **one.settings} for name, one in scenario.mix.items()}
    return Scenario.model_validate({**content, "plan": plan})


def _line(probe: Probe, heard: Heard, result: Result) -> str:
    word = "✓" if heard.passed else "INVALID" if not heard.valid else f"✗ {', '.join(heard.why)}"
    rate, achieved = number_of(round(probe.rate, 1)), number_of(round(heard.achieved, 1))
    return f"{probe.purpose.value:9} {rate:>8}/s  achieved {achieved:>8}/s  p99 {time_of(heard.p99_us):>8}  {word}"
