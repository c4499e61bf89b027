"""`python -m tests.simulation --seeds N [--seed S] [--steps N]`: many lives of one network, each under its own seed.

Exit code 1 when a promise was broken: seed and commit are printed, the run is made as short as it gets and
told as a transcript. The same seed is the same run, on any machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.simulation.judge import verdict
from tests.simulation.plan import PAYMENTS, Plan, draw
from tests.simulation.shrink import shrunk
from tests.simulation.world import World


def lived(plan: Plan, *, tells: bool = False) -> tuple[World, list[str]]:
    """One run, and what was wrong with it. A mistake of the switch that it did not catch is wrong too."""
    world = World(plan, tells=tells)
    try:
        world.run()
    except Exception as error:  # whatever it is, it is a finding
        world.fault(f"the switch died: {type(error).__name__}: {error}")
        return world, world.faults
    return world, verdict(world)


def commit() -> str:
    """Which code this is."""
    here = Path(__file__).parent
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def report(plan: Plan, faults: list[str], payments: int) -> None:
    """What broke, how to see it again, and the shortest story of it."""
    print(f"\nseed {plan.seed} at commit {commit()} broke a promise")
    print(f"again: ./run simulate --seed {plan.seed} --steps {payments}")
    for fault in faults[:5]:
        print(f"  {fault}")
    shortest = shrunk(plan, lambda tried: bool(lived(tried)[1]))
    world, left = lived(shortest, tells=True)
    print(f"\nThe shortest story found ({len(shortest.payments)} payments, {len(shortest.mishaps)} mishaps):\n")
    print(shortest.told())
    print("\nWhat was said (-> to the switch, <- from it):\n")
    print("\n".join(line for line in world.story if " 08" not in line[:24]))
    print()
    for fault in left[:5]:
        print(f"  {fault}")


def main() -> int:
    """Run the seeds; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="simulate", description="The whole network under drawn misfortune.")
    parser.add_argument("--seeds", type=int, default=200, help="how many runs (default 200)")
    parser.add_argument("--seed", type=int, help="one run only: this one")
    parser.add_argument("--first", type=int, default=0, help="where to begin counting")
    parser.add_argument("--steps", type=int, default=PAYMENTS, help=f"payments a run (default {PAYMENTS})")
    parser.add_argument("--hash", action="store_true", help="print the hash of each run's trace")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    asked = parser.parse_args()
    seeds = [asked.seed] if asked.seed is not None else range(asked.first, asked.first + asked.seeds)
    began, ran, payments, messages, failed = time.perf_counter(), 0, 0, 0, list[int]()
    for seed in seeds:
        plan = draw(seed, asked.steps)
        world, faults = lived(plan)
        ran += 1
        payments += len(plan.payments)
        messages += world.messages
        if asked.hash:
            print(seed, world.trace)
        if faults:
            failed.append(seed)
            if asked.keep_going:
                print(f"seed {seed}: {faults[0]}")
                continue
            report(plan, faults, asked.steps)
            break
    took = time.perf_counter() - began
    pace = f"{payments / took:.0f} payments a second"
    print(f"{ran} seeds, {payments} payments, {messages} messages in {took:.1f} s ({pace})")
    print(f"{len(failed)} failed: {failed}" if failed else "every promise was kept")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
