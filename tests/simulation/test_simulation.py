"""Two hundred lives of the network, each under its own seed; and that the simulation itself can be believed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switch import debts
from switch.core import Core
from switch.memory import Memory
from switch.saf import StoreAndForward
from tests.simulation.__main__ import lived
from tests.simulation.plan import draw
from tests.simulation.shrink import shrunk

SEEDS, AT_ONCE = 200, 20
PAYMENTS = 40


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_every_promise_is_kept_and_everything_settles(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        _, faults = lived(draw(seed, PAYMENTS))
        assert not faults, f"./run simulate --seed {seed} --steps {PAYMENTS}: {faults[0]}"


def test_the_same_seed_is_the_same_run_whatever_python_hashes_with() -> None:
    def run(hash_seed: str) -> str:
        command = [sys.executable, "-m", "tests.simulation", "--seeds", "6", "--steps", "30", "--hash"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        here = Path(__file__).parents[2]
        said = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=True)
        return "\n".join(line for line in said.stdout.splitlines() if line[:1].isdigit() and "seeds" not in line)

    first = run("1")
    assert len(first.splitlines()) == 6
    assert first == run("2")


def _forgets_the_reversal(core: Core, *_: Any) -> list[Any]:
    return []


def _answers_a_repeat_anew(memory: Memory, key: str) -> bool:
    return False


def _believes_any_original(memory: Memory, key: str) -> None:
    return None


def _resends(saf: StoreAndForward, *_: Any) -> None:
    return None


PLANTED: list[tuple[object, str, Callable[..., Any]]] = [
    (Core, "_debts_of", _forgets_the_reversal),
    (Memory, "__contains__", _answers_a_repeat_anew),
    (Memory, "bury", _believes_any_original),
    (StoreAndForward, "add", _resends),
    (debts, "original_of", lambda seen, mti, stan: debts.Original(mti, "999999", "1118110640")),
]


@pytest.mark.parametrize(("where", "name", "fault"), PLANTED, ids=[name for _, name, _ in PLANTED])
def test_a_planted_fault_is_found(
    where: object, name: str, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, fault)
    assert any(lived(draw(seed, PAYMENTS))[1] for seed in range(60))


def test_a_failure_shrinks_to_a_story_that_a_person_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "bury", _believes_any_original)
    plan = next(plan for plan in map(draw, range(60)) if lived(plan)[1])
    shortest = shrunk(plan, lambda tried: bool(lived(tried)[1]))
    assert len(shortest.payments) <= 3
    world, faults = lived(shortest, tells=True)
    assert faults
    assert any("<-" in line for line in world.story)
