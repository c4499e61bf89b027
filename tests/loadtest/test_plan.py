"""The plan: whole before anything is sent, the same for the same seed, and as irregular as it should be."""

from itertools import pairwise
from math import exp, sqrt
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.arrivals import SHAPES
from loadtest.plan import NANO, Plan, make_plan
from loadtest.stamps import STANS, Stans
from tests.loadtest.hosts import scenario

SHAPED: dict[str, dict[str, Any]] = {
    "constant": {"rate_per_s": 200, "for_s": 4},
    "poisson": {"rate_per_s": 200, "for_s": 4},
    "gamma": {"rate_per_s": 200, "for_s": 4, "variation": 3.0},
    "ramp": {"from_per_s": 0, "to_per_s": 400, "for_s": 4},
    "steps": {"start_per_s": 100, "step_per_s": 100, "each_s": 1, "until_per_s": 400},
    "spike": {"rate_per_s": 50, "peak_per_s": 500, "for_s": 4, "at_s": 1, "peak_s": 1},
    "trace": {"at_s": [0.0, 0.1, 0.1, 2.5]},
}


def plan_of(seed: int = 7, mix: dict[str, Any] | None = None, *arrivals: dict[str, Any]) -> Plan:
    made = scenario(plan={"seed": seed, "arrivals": arrivals}, mix=mix or {"purchase": 1})
    return make_plan(made, Random)


def poisson(seed: int, rate: float, for_s: float) -> list[float]:
    plan = plan_of(seed, None, {"shape": "poisson", "rate_per_s": rate, "for_s": for_s})
    return [at / NANO for at in plan.instants]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_poisson_is_poisson(seed: int) -> None:
    """L3: Kolmogorov-Smirnov on the gaps, p > 0.01; as many arrivals as 3 sigma allow."""
    rate, for_s = 500.0, 40.0
    instants = poisson(seed, rate, for_s)
    assert abs(len(instants) - rate * for_s) < 3 * sqrt(rate * for_s)
    gaps = sorted(later - earlier for earlier, later in pairwise(instants))
    number = len(gaps)
    distance = max(
        max((place + 1) / number - (1 - exp(-rate * gap)), (1 - exp(-rate * gap)) - place / number)
        for place, gap in enumerate(gaps)
    )
    assert distance < 1.628 / sqrt(number)  # the critical value at 0.01


def test_its_counts_scatter_as_they_should() -> None:
    """L3: the index of dispersion (variance of the counts by their mean) is 0.95 to 1.05."""
    instants = poisson(7, 100.0, 2000.0)
    counts = [0] * 20_000
    for at in instants:
        counts[int(at * 10)] += 1
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert 0.95 < variance / mean < 1.05


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_same_seed_is_the_same_plan_and_another_is_another(shape: str) -> None:
    given_ = {"shape": shape, **SHAPED[shape]}
    mix = {"purchase": 2, "echo": 1}
    assert plan_of(7, mix, given_) == plan_of(7, mix, given_)
    assert plan_of(7, mix, given_) != plan_of(8, mix, given_)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_instants_ascend_and_lie_within(shape: str) -> None:
    plan = plan_of(7, None, {"shape": shape, **SHAPED[shape]}, {"shape": "constant", "rate_per_s": 10, "for_s": 1})
    instants = list(plan.instants)
    assert instants == sorted(instants)
    assert instants[0] >= 0 and instants[-1] < plan.lasts_s * NANO
    assert len(plan) == len(plan.flows) == len(plan.numbers)


def test_a_ramp_begins_slow_and_ends_fast() -> None:
    instants = plan_of(7, None, {"shape": "ramp", **SHAPED["ramp"]}).instants
    first, last = (sum(low <= at / NANO < low + 1 for at in instants) for low in (0, 3))
    assert first < 90 < 300 < last
    assert len(instants) == pytest.approx(800, rel=0.12)


def test_bursts_are_burstier_than_a_clock() -> None:
    def variation(value: float) -> float:
        plan = plan_of(7, None, {"shape": "gamma", "rate_per_s": 500, "for_s": 20, "variation": value})
        gaps = [b - a for a, b in pairwise(plan.instants)]
        mean = sum(gaps) / len(gaps)
        return sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) / mean

    assert variation(0.3) == pytest.approx(0.3, rel=0.1)
    assert variation(3.0) == pytest.approx(3.0, rel=0.15)


@given(st.integers(min_value=1, max_value=9), st.integers(min_value=0, max_value=2**31))
def test_the_shares_of_workers_are_exactly_the_plan(workers: int, seed: int) -> None:
    plan = plan_of(seed, {"purchase": 1, "echo": 1}, {"shape": "poisson", "rate_per_s": 50, "for_s": 1})
    rows = []
    for worker in range(workers):
        share = plan.share(worker, workers)
        rows += zip(share.numbers, share.instants, share.flows, strict=True)
    assert sorted(rows) == list(zip(plan.numbers, plan.instants, plan.flows, strict=True))


@given(st.integers(min_value=1, max_value=99))
def test_no_two_workers_share_a_stan(workers: int) -> None:
    edges = []
    for worker in range(workers):
        stans = Stans(1, worker, workers)
        first = int(stans.next())
        edges.append((first, first + stans.room - 1))
    assert edges[0][0] == 1
    assert edges[-1][1] == STANS
    assert all(later[0] == earlier[1] + 1 for earlier, later in pairwise(edges))
