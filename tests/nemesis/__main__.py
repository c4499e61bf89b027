"""`./run nemesis --minutes N [--seed S] [--rate R] [--history FILE]`: exit 0 where all promises were kept, else 5."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

from tests.nemesis.run import commit, nemesis

BROKEN = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="run nemesis", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rate", type=float, default=40.0, help="payments a second")
    parser.add_argument("--history", type=Path, default=None, help="keep what the clients did and heard here")
    options = parser.parse_args()
    seed = SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}, commit {commit()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="nemesis-") as folder:
        history = options.history or Path(folder, "history.jsonl")
        found = nemesis(options.minutes, seed, options.rate, lambda line: print(line, flush=True), history)
    for finding in found[:50]:
        print(finding)
    if found:
        print(f"{len(found)} broken promises: seed {seed}, commit {commit()}")
        return BROKEN
    print("every promise that was looked at was kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
