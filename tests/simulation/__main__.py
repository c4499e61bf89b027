"""`python -m tests.simulation --seeds N [--tier fast|deep]`: many lives of one network, each under its own seed.

Without `--tier` every seed is lived in the fast tier, and every fourth in the deep one as well. Exit code 1 when a
promise was broken: seed and commit are printed, the life is made as short as it gets, told as a transcript and kept
under `tests/regressions/lives`. The same seed is the same life, on any machine. `--cross-talk` is another machine:
many links under few numbers, to see that nobody hears another's answer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

from tests.simulation import cross_talk
from tests.simulation.shrink import shrunk
from tests.simulation.tiers import TIERS, Life, Tier

DEEP_EVERY = 4  # a deep life costs as much as a dozen fast ones
ALONE_BELOW = 8  # lives: fewer are not worth a second process


def life(seed: int, tier: str, payments: int | None) -> Life:
    """One life, in whichever process."""
    one = TIERS[tier]
    return one.live(one.draw(seed, payments or one.payments), False)


def lives(tier: str, seeds: list[int], payments: int | None, jobs: int) -> Iterator[Life]:
    """All of these, in the order of their seeds."""
    if jobs == 1 or len(seeds) < ALONE_BELOW:
        yield from (life(seed, tier, payments) for seed in seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        try:
            yield from pool.map(partial(life, tier=tier, payments=payments), seeds, chunksize=2)
        finally:
            pool.shutdown(cancel_futures=True)


def commit() -> str:
    """Which code this is."""
    here = Path(__file__).parent
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def report(tier: Tier, seed: int, payments: int | None, keep: bool) -> None:
    """What broke, how to see it again, and the shortest story of it."""
    plan = tier.draw(seed, payments or tier.payments)
    first = tier.live(plan, False)
    print(f"\nseed {seed} of the {tier.name} tier at commit {commit()} broke a promise")
    print(f"again: ./run simulate --tier {tier.name} --seed {seed} --steps {payments or tier.payments}")
    for fault in first.faults[:5]:
        print(f"  {fault}")
    shortest = shrunk(plan, lambda tried: bool(tier.live(tried, False).faults), tier.tries_max)
    told = tier.live(shortest, True)
    print(f"\nThe shortest story found ({len(shortest.numbers)} payments, {len(shortest.mishaps)} mishaps):\n")
    print(shortest.told())
    print("\nWhat was said (-> to the switch, <- from it):\n")
    print("\n".join(line for line in told.story if " 08" not in line[:24]))
    print()
    for fault in told.faults[:5]:
        print(f"  {fault}")
    if keep:
        print(f"\nkept: {tier.keep(shortest)}")


def simulate(asked: argparse.Namespace, tier: Tier, seeds: list[int]) -> list[int]:
    """Live them all and say how it went; the seeds that failed."""
    began, ran, transactions, messages, failed = time.perf_counter(), 0, 0, 0, list[int]()
    for one in lives(tier.name, seeds, asked.steps, asked.jobs):
        ran += 1
        transactions += one.transactions
        messages += one.messages
        if asked.hash:
            print(tier.name, one.seed, one.trace)
        if one.faults:
            failed.append(one.seed)
            print(f"{tier.name} seed {one.seed}: {one.faults[0]}")
            if not asked.keep_going:
                break
    took = time.perf_counter() - began
    pace = f"{transactions / took:.0f} transactions a second on {asked.jobs} process(es)"
    print(f"{tier.name}: {ran} seeds, {transactions} transactions, {messages} messages in {took:.1f} s: {pace}")
    if failed and not asked.keep_going:
        report(tier, failed[0], asked.steps, not asked.forget)
    return failed


def main() -> int:
    """Run the seeds; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="simulate", description="The whole network under drawn misfortune.")
    parser.add_argument("--seeds", type=int, default=200, help="how many lives (default 200)")
    parser.add_argument("--seed", type=int, help="one life only: this one")
    parser.add_argument("--first", type=int, default=0, help="where to begin counting")
    parser.add_argument("--tier", choices=TIERS, help="only this one (default: both, deep for every fourth seed)")
    parser.add_argument("--steps", type=int, default=None, help="payments a life (default: the tier's)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    parser.add_argument("--hash", action="store_true", help="print the hash of each life's trace")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    parser.add_argument("--forget", action="store_true", help="do not keep a failure under tests/regressions")
    parser.add_argument("--cross-talk", type=int, metavar="REQUESTS", help="64 links, so many requests each, 50 STANs")
    asked = parser.parse_args()
    if asked.cross_talk is not None:
        return cross_talk.main(asked.cross_talk, asked.first)
    seeds = [asked.seed] if asked.seed is not None else list(range(asked.first, asked.first + asked.seeds))
    failed = []
    for name in (asked.tier,) if asked.tier else TIERS:
        mine = seeds if asked.tier or name == "fast" or asked.seed is not None else seeds[::DEEP_EVERY]
        failed.append([f"{name} {seed}" for seed in simulate(asked, TIERS[name], mine)])
    every = list(chain(*failed))
    print(f"{len(every)} failed: {', '.join(every)}" if every else "every promise was kept")
    return 1 if every else 0


if __name__ == "__main__":
    sys.exit(main())
