"""The two tiers as one: what a plan is, how it is lived, what came of it; and how a plan is kept in a file.

`fast` is the core alone with a model of everybody around it, `deep` the whole network of real parties. Both draw
plans from a seed, judge a life by its faults, and shrink a failure to a story.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import TypeAdapter

from tests.simulation import plan as fast_plan
from tests.simulation.judge import verdict
from tests.simulation.network import plan as deep_plan
from tests.simulation.network import world as network
from tests.simulation.world import World

KEPT = Path(__file__).parents[1] / "regressions" / "lives"


class Plan(Protocol):
    """What is going to happen in one life."""

    seed: int
    mishaps: Any

    @property
    def numbers(self) -> list[int]:
        """Of its payments."""

    def without(self, payments: set[int], mishaps: set[int]) -> Self:
        """The same less some of what happens."""

    def plain_parts(self) -> list[tuple[int, str]]:
        """What of which payment could be plainer."""

    def made_plain(self, number: int, part: str) -> Self:
        """The same with that plain."""

    def told(self) -> str:
        """In words."""


@dataclass(frozen=True, slots=True)
class Life:
    """How one life went."""

    seed: int
    faults: Sequence[str]
    transactions: int  # distinct requests, reversals and advices of the gateways
    messages: int
    trace: str
    took_s: float
    story: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    """One way to simulate."""

    name: str
    draw: Callable[[int, int], Any]
    live: Callable[[Any, bool], Life]
    kind: type[Any]
    payments: int
    tries_max: int  # to shrink a failure

    def keep(self, plan: Any, where: Path = KEPT) -> Path:
        """Write a plan that broke a promise where the tests find it."""
        folder = where / self.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"seed-{plan.seed}.json"
        path.write_bytes(TypeAdapter(self.kind).dump_json(plan, indent=1) + b"\n")
        return path

    def kept(self) -> list[Path]:
        """What once broke a promise."""
        return sorted((KEPT / self.name).glob("*.json"))

    def read(self, path: Path) -> Any:
        return TypeAdapter(self.kind).validate_json(path.read_bytes())


SCARCE = 50  # numbers


def _fast(plan: fast_plan.Plan, tells: bool) -> Life:
    began = time.perf_counter()
    world = World(plan, tells=tells)
    try:
        world.run()
        faults = verdict(world)
        if plan.twice and not faults:
            faults = _otherwise(plan, world)
    except AssertionError as error:
        # With so few numbers as only we give it, a bank may have none left for what it is owed.
        if plan.stans > SCARCE or "a million debts" not in str(error):
            world.fault(f"the switch died: {error!r}")
        faults = world.faults
    except Exception as error:  # whatever it is, it is a finding
        world.fault(f"the switch died: {type(error).__name__}: {error}")
        faults = world.faults
    took_s = time.perf_counter() - began
    return Life(plan.seed, faults, len(world.asked), world.messages, world.trace, took_s, world.story)


def _otherwise(plan: fast_plan.Plan, world: World) -> list[str]:
    """The same life with every frame on its own must be the same, to the last record and byte."""
    other = World(replace(plan, fewest=fast_plan.ALONE))
    other.run()
    return [] if other.trace == world.trace else [f"what goes together is not what goes alone: {_parted(world, other)}"]


def _parted(world: World, other: World) -> str:
    """Where two lives part."""
    for place, (one, two) in enumerate(zip(world.records, other.records, strict=False)):
        if one != two:
            return f"record {place} is {one.kind.__class__.__name__} {one.number} and {two.number}"
    return f"{len(world.records)} records and {len(other.records)}, {world.messages} messages and {other.messages}"


def _deep(plan: deep_plan.Plan, tells: bool) -> Life:
    began = time.perf_counter()
    world, faults = network.lived(plan, tells=tells)
    took_s = time.perf_counter() - began
    return Life(plan.seed, faults, world.transactions, world.messages, world.trace, took_s, world.story)


FAST = Tier("fast", fast_plan.draw, _fast, fast_plan.Plan, fast_plan.PAYMENTS, 400)
DEEP = Tier("deep", deep_plan.draw, _deep, deep_plan.Plan, deep_plan.PAYMENTS, 120)
TIERS = {tier.name: tier for tier in (FAST, DEEP)}
