"""The plan: when each message is due and which flow it begins, whole, before anything is sent.

The same seed gives the same plan, everywhere; a worker's share is every n-th arrival of it, so the shares together are
exactly the plan. Pure. What a flow then says is decided as it goes, from draws that are the plan's too.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Final

from loadtest.chance import Source
from loadtest.scenario import Scenario

NANO: Final = 1_000_000_000


@dataclass(frozen=True)
class Plan:
    """Arrival i is due `instants[i]` ns after the start, begins `names[flows[i]]`, and is `numbers[i]` of the whole."""

    names: tuple[str, ...]
    instants: array[int]
    flows: array[int]
    numbers: array[int] = field(repr=False)
    lasts_s: float

    def __len__(self) -> int:
        return len(self.instants)

    def share(self, worker: int, workers: int) -> Plan:
        """Every n-th arrival, beginning with the worker's own number from 0."""
        return Plan(
            self.names,
            self.instants[worker::workers],
            self.flows[worker::workers],
            self.numbers[worker::workers],
            self.lasts_s,
        )


def make_plan(scenario: Scenario, source: Source) -> Plan:
    """The whole plan of a scenario. `source` makes a seeded generator of a name."""
    seed = scenario.plan.seed
    instants = array("q")
    begin = 0.0
    for number, arrivals in enumerate(scenario.plan.arrivals):
        chance = source(f"{seed}/arrivals/{number}")
        instants.extend(int((begin + at) * NANO) for at in arrivals.instants(chance))
        begin += arrivals.lasts_s
    names = tuple(scenario.mix)
    weights = [scenario.mix[name].weight for name in names]
    drawn = source(f"{seed}/mix").choices(range(len(names)), weights, k=len(instants)) if len(instants) else []
    return Plan(names, instants, array("H", drawn), array("q", range(len(instants))), scenario.plan.lasts_s)
