"""`./run fuzz SECONDS [TARGET …]`: the time is divided over the targets, a process each, one on every core.

atheris drives them where it is installed; else the loop of our own. Exit code 1 when a target
broke; the bytes that broke it lie under tests/regressions/ by then.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fuzz.targets import all_targets

ROOT = Path(__file__).parent.parent
REGRESSIONS = ROOT / "tests" / "regressions"
LEAST_S = 1.0  # a target that starts and stops again has tried nothing
STUCK_S = 30.0  # a process that goes on for so long after its time hangs


@dataclass(frozen=True)
class Outcome:
    """What came of one target."""

    name: str
    tried: int
    broke: bool
    said: str


def main(arguments: list[str]) -> int:
    """Fuzz; the exit code."""
    if not arguments or not arguments[0].isdigit():
        print(f"usage: ./run fuzz SECONDS [TARGET …]\ntargets: {' '.join(all_targets())}", file=sys.stderr)
        return 2
    names = arguments[1:] or list(all_targets())
    workers = os.cpu_count() or 1
    each = max(LEAST_S, int(arguments[0]) * min(workers, len(names)) / len(names))
    how = "atheris" if find_spec("atheris") else "our own loop (no atheris for this Python)"
    print(f"{len(names)} targets, {each:.0f} s each, {workers} at once, by {how}", flush=True)
    with ThreadPoolExecutor(workers) as pool:
        outcomes = [told(one) for one in pool.map(lambda name: run(name, each), names)]
    broken = [one.name for one in outcomes if one.broke]
    print(f"{sum(one.tried for one in outcomes):,} inputs, {len(broken)} targets broke: {' '.join(broken) or 'none'}")
    return 1 if broken else 0


def told(one: Outcome) -> Outcome:
    print(f"{one.name:<32} {one.tried:>12,}  {'BROKE' if one.broke else 'held'}", flush=True)
    if one.broke:
        print(one.said, flush=True)
    return one


def run(name: str, seconds: float) -> Outcome:
    """One target in a process of its own: a fuzzer takes the whole process, and may take it down."""
    command = [sys.executable, "-m", "fuzz.one", name, f"{seconds:.0f}", str(REGRESSIONS / name)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=seconds + STUCK_S
        )
    except subprocess.TimeoutExpired:
        return Outcome(name, 0, True, "it did not stop when its time was up")
    with suppress(OSError):  # nothing was kept: no empty folder is left behind
        (REGRESSIONS / name).rmdir()
    said = done.stdout + done.stderr
    tried = re.search(r"number_of_executed_units: *(\d+)", said)
    return Outcome(name, int(tried.group(1)) if tried else 0, done.returncode != 0, "\n".join(said.splitlines()[-40:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
