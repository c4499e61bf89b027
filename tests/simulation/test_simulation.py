"""Many lives of the network, each under its own seed; and that the simulation itself can be believed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import cross_talk, plants
from tests.simulation.shrink import shrunk
from tests.simulation.tiers import DEEP, FAST, TIERS, Life

pytestmark = pytest.mark.timeout(240)  # many lives a test, on a machine that may be busy

SEEDS, AT_ONCE = 200, 20
PAYMENTS = 20
DEEP_SEEDS = 3
KEPT = [(tier, path) for tier in TIERS.values() for path in tier.kept()]


def lived(tier: str, seed: int, payments: int = PAYMENTS) -> Life:
    return TIERS[tier].live(TIERS[tier].draw(seed, payments), False)


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_every_promise_is_kept_and_everything_settles(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        faults = lived("fast", seed).faults
        assert not faults, f"./run simulate --tier fast --seed {seed} --steps {PAYMENTS}: {faults[0]}"


@pytest.mark.parametrize("seed", range(DEEP_SEEDS))
def test_the_whole_network_of_real_parties_keeps_every_promise(seed: int) -> None:
    faults = lived("deep", seed).faults
    assert not faults, f"./run simulate --tier deep --seed {seed} --steps {PAYMENTS}: {faults[0]}"


@pytest.mark.parametrize(("tier", "path"), KEPT, ids=[f"{tier.name}-{path.stem}" for tier, path in KEPT])
def test_what_once_broke_a_promise_does_so_no_more(tier: object, path: Path) -> None:
    found = TIERS[path.parent.name]
    assert not found.live(found.read(path), False).faults


def test_the_same_seed_is_the_same_run_whatever_python_hashes_with() -> None:
    def run(hash_seed: str) -> list[str]:
        command = [sys.executable, "-m", "tests.simulation", "--seeds", "2", "--steps", "15", "--jobs", "1", "--hash"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        here = Path(__file__).parents[2]
        said = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=True)
        return [line for line in said.stdout.splitlines() if line.split()[:1] and line.split()[0] in TIERS]

    first = run("1")
    assert len(first) == 3  # two of the fast tier, one of the deep
    assert first == run("2")


def test_a_plan_that_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    for tier in TIERS.values():
        plan = tier.draw(7, 12)
        path = tier.keep(plan, tmp_path)
        assert tier.read(path) == plan


@pytest.mark.parametrize("name", ["a reversal is not owed", "a repeat gets a new number", "a tombstone is forgotten"])
def test_a_planted_fault_is_found(name: str) -> None:
    with plants.planted(plants.PLANTS[name]):
        assert any(lived("fast", seed).faults for seed in range(60))


def test_a_failure_shrinks_to_a_story_that_a_person_can_read() -> None:
    with plants.planted(plants.PLANTS["a tombstone is forgotten"]):
        plan = next(plan for seed in range(60) if FAST.live(plan := FAST.draw(seed, PAYMENTS), False).faults)
        shortest = shrunk(plan, lambda tried: bool(FAST.live(tried, False).faults), FAST.tries_max)
        assert len(shortest.payments) <= 3
        told = FAST.live(shortest, True)
    assert told.faults
    assert any("<-" in line for line in told.story)


def test_nobody_hears_anothers_answer() -> None:
    done = cross_talk.run(40, 1)
    assert (done.mismatches, done.strays, sum(map(len, done.open.values()))) == (0, 0, 0)
    assert done.answered > 0.9 * done.asked


def test_a_deep_story_can_be_told() -> None:
    told = DEEP.live(DEEP.draw(1, 3), True)
    assert any("->" in line for line in told.story)
