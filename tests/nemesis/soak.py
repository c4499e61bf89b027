"""`./run soak --hours N`: does anything grow under steady load with one fault in a hundred?

Resident memory, descriptors, threads (and of the switch its tasks and links) of every process, every ten seconds. The
slope is Theil and Sen's, the median of the slopes between all pairs, which a few odd samples do not move. It fails on
slope, not on level, and above the limits of P15; a run too short for a slope says so and is held to counts alone.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

from switch.place import Party
from switch.shell.orders import order
from tests.nemesis.load import Load, cards_of
from tests.nemesis.run import BANKS, Hands, commit, proxied_network
from tests.network import SWITCH, RunningNetwork

WARM_UP: Final = (0.25, 900.0)  # a quarter of the run, and no more than fifteen minutes
MB_AN_HOUR: Final = 1.0  # P15
STRAY: Final = 5  # descriptors, threads and tasks may come and go by so many (P15)
SLOPE_TAKES_S: Final = 1200.0  # a shorter run says nothing about megabytes an hour
PAIRS_MAX: Final = 400  # samples that are paired with each other
FAULTY: Final = 0.01  # of payments
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
HEADINGS: Final = ("process", "what", "first", "last", "most", "slope an hour", "verdict")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one process at one moment."""

    at: float
    value: float


def vitals(pid: int) -> Mapping[str, float]:
    """Of a process, from /proc: megabytes, descriptors, threads."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return {
        "MB": pages * PAGE / 1e6,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": len(os.listdir(f"/proc/{pid}/task")),
    }


def slope(samples: Sequence[Sample]) -> float:
    """Theil and Sen's, an hour.

    >>> slope([Sample(at, 5 + at / 3600) for at in range(0, 7200, 600)])
    1.0
    """
    few = samples[:: max(1, len(samples) // PAIRS_MAX)]
    slopes = [(b.value - a.value) / (b.at - a.at) for a, b in itertools.combinations(few, 2) if b.at > a.at]
    return round(statistics.median(slopes) * 3600, 6) if slopes else 0.0


def verdict(what: str, samples: Sequence[Sample]) -> str:
    """`ok`, `too short` or what is wrong, of the samples after the warm-up.

    >>> verdict("descriptors", [Sample(0, 20), Sample(10, 90)])
    'GROWS'
    """
    if what == "MB":
        if samples[-1].at - samples[0].at < SLOPE_TAKES_S:
            return "too short"
        return "ok" if slope(samples) <= MB_AN_HOUR else "GROWS"
    values = [one.value for one in samples]
    third = max(1, len(values) // 3)
    return "ok" if statistics.median(values[-third:]) - statistics.median(values[:third]) <= STRAY else "GROWS"


def look(network: RunningNetwork, seen: dict[tuple[Party, str], list[Sample]], at: float) -> None:
    """One sample of everything."""
    for party, process in network.processes.items():
        for what, value in vitals(process.popen.pid).items():
            seen[party, what].append(Sample(at, value))
    told = order(network.place.state, do="vitals")
    for what in ("tasks", "links"):
        seen[SWITCH, what].append(Sample(at, told[what]))


def soak(hours: float, rate: float, seed: int) -> bool:
    """Whether nothing grew."""
    length = hours * 3600
    every = min(10.0, max(1.0, length / 60))
    seen: dict[tuple[Party, str], list[Sample]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, proxied_network(seed) as stage:
        network = stage.network
        cards = cards_of(network.cards(), BANKS)
        load = Load(network.host, network.ports["lab"], cards, rate, seed, Path(folder, "history.jsonl"))
        load.faulty = FAULTY
        with Hands() as clients:
            clients.start(load.run)
            began = time.monotonic()
            while (at := time.monotonic() - began) < length:
                look(network, seen, at)
                load.forget_settled()
                time.sleep(every)
            load.stop = load.give_up = True
        print(f"{load.asked} payments, {every:g} s between samples; answers: {dict(sorted(load.answered.items()))}")
    return table(seen, min(length * WARM_UP[0], WARM_UP[1]))


def table(seen: Mapping[tuple[Party, str], Sequence[Sample]], warm_up: float) -> bool:
    """Print it; whether all is well."""
    rows: list[Sequence[str]] = [HEADINGS]
    for (party, what), samples in sorted(seen.items(), key=lambda one: (str(one[0][0]), one[0][1])):
        warm = [one for one in samples if one.at >= warm_up] or list(samples)
        values = [one.value for one in warm]
        figures = [f"{value:.1f}" if what == "MB" else f"{value:.0f}" for value in (values[0], values[-1], max(values))]
        rows.append((str(party), what, *figures, f"{slope(warm):.2f}", verdict(what, warm)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    return all(row[-1] in ("ok", "too short") for row in rows[1:])


def main() -> int:
    parser = argparse.ArgumentParser(prog="run soak", description="Does anything grow?")
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--rate", type=float, default=50.0, help="payments a second")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}, commit {commit()}", flush=True)
    return 0 if soak(options.hours, options.rate, seed) else 5


if __name__ == "__main__":
    sys.exit(main())
