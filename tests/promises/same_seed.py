"""P20 at full size: a hundred lives twice, under two hash seeds of Python; every trace must be the same.

python -m tests.promises.same_seed [--seeds 100] [--first N]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from random import SystemRandom

from tests.nemesis.run import commit

HASH_SEEDS = ("1", "8583")
A_TRACE = re.compile(r"\w+ \d+ [0-9a-f]{24}")  # tier, seed, hash


def traces(seeds: int, first: int, hash_seed: str) -> list[str]:
    """The hash of each life's trace, as the simulation prints them."""
    command = [sys.executable, "-m", "tests.simulation", "--hash", "--forget", "--keep-going", "--seeds", str(seeds)]
    done = subprocess.run(
        [*command, "--first", str(first)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    return sorted(filter(A_TRACE.fullmatch, done.stdout.splitlines()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.promises.same_seed", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.first}, commit {commit()}", flush=True)
    one, other = (traces(options.seeds, options.first, hash_seed) for hash_seed in HASH_SEEDS)
    differing = sorted(set(one) ^ set(other))
    print(*differing[:20], sep="\n")
    print(f"{len(one)} and {len(other)} traces, {len(differing)} lines differ")
    return 5 if differing or len(one) < options.seeds else 0


if __name__ == "__main__":
    sys.exit(main())
