"""More than can be done: `python benchmarks/overload.py [--json]`, or `./run bench overload`.

First the maximum: as much as the switch answers when it is always asked (closed loop). Then an open loop, which asks by
the clock and not by the answers, at half of that, at twice and at five times, and at half again after each. What must
hold: approvals stay at 80 % of the maximum, nothing is lost or wrong, memory does not grow, and within five
seconds half the maximum is answered as it was before.

The switch does not refuse what is too much: it stops reading, and TCP makes the askers wait. So in an overload the time
from when a request was *meant* to be sent grows without end; from when it was sent it is what lies between: requests
under way, which the switch bounds, and what the sockets hold.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.whole import ROOT, Candidate, SpoiltError, build_of, built, loaded

CLOSED: Final = "64x16"
OPEN: Final = "64x2048"  # connections x what each would have under way at the most: more than is ever read
TIMES: Final = (2.0, 5.0)
CALM: Final = 0.5  # of the maximum: what is normal
GOODPUT: Final = 0.8  # of the maximum, that an overload must leave
BACK_WITHIN_S: Final = 5.0
GROWTH_MAX: Final = 1.25  # of memory, between the first overload's first half and the last one's end
LOOK_S: Final = 0.25
PATIENCE_S: Final = 60.0  # far longer than a gateway has: an answer that is late by the backlog is not lost


class Weighed:
    """The memory of a process, looked at now and then."""

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/status")
        self.seen: list[int] = []  # KiB

    @contextmanager
    def running(self) -> Iterator[None]:
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done,))
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(LOOK_S):
            try:
                text = self._path.read_text()
            except OSError:  # it is gone; who waits for it will say so
                return
            self.seen += [int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")]


def measured(seconds: float, times: tuple[float, ...] = TIMES, pure: bool = False) -> dict[str, Any]:
    """All runs, on one switch; SpoiltError when an answer was wrong or lost."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        Candidate("switch", ROOT, pure).running() as (pid, towards),
    ):
        isoload, memory = built(Path(name)), Weighed(pid)

        def run(shape: str, rate: float, length_s: float, *, warm_s: float = 1.0) -> dict[str, Any]:
            by_the_clock = ["--rate", f"{rate:.0f}"] if rate else []
            patience = [
                "--settle-ms",
                "1000",
                "--warm-ms",
                f"{warm_s * 1000:.0f}",
                "--timeout-ms",
                f"{PATIENCE_S * 1000:.0f}",
            ]
            return loaded(isoload, pid, towards, shape, length_s, [*by_the_clock, *patience])

        run(CLOSED, 0, seconds)  # warm
        with memory.running():
            closed = [run(CLOSED, 0, seconds)]
            most = closed[0]["txn_s"]
            before = run(CLOSED, most * CALM, seconds)
            steps = []
            for factor in times:
                over = run(OPEN, most * factor, 2 * seconds)
                after = run(CLOSED, most * CALM, seconds, warm_s=BACK_WITHIN_S)
                closed.append(run(CLOSED, 0, seconds))  # a shared machine is not the same all the time
                steps.append(_step(factor, over, after, closed[-2:]))
    half = len(memory.seen) // 2
    return {
        "max_txn_s": most,
        "calm_p99_us": before["p99_us"],
        "steps": steps,
        "memory_mib": {"first_half": max(memory.seen[:half]) >> 10, "second_half": max(memory.seen[half:]) >> 10},
    }


def _step(factor: float, over: dict[str, Any], after: dict[str, Any], closed: list[dict[str, Any]]) -> dict[str, Any]:
    """One overload; what was the maximum just before it and just after is what it is held against."""
    answered, most = sum(over["by39"].values()), statistics.fmean(one["txn_s"] for one in closed)
    return {
        "times": factor,
        "goodput": round(over["txn_s"] * over["by39"].get("00", 0) / max(answered, 1) / most, 3),
        "cpu_ratio": round(over["cpu_us_per_txn"] / statistics.fmean(one["cpu_us_per_txn"] for one in closed), 3),
        "answers": over["by39"],
        "lost": over["timeouts"] + over["unmatched"],
        "after_txn_s": after["txn_s"],
        "after_p99_us": after["p99_us"],
    }


def holds(figures: dict[str, Any]) -> list[str]:
    """What does not hold, in words."""
    broken = []
    for step in figures["steps"]:
        if step["goodput"] < GOODPUT:
            broken.append(f"at {step['times']:g}x only {step['goodput']:.2f} of the maximum is answered")
        if step["lost"]:
            broken.append(f"at {step['times']:g}x {step['lost']} answers are lost")
        if step["after_txn_s"] < 0.95 * CALM * figures["max_txn_s"]:
            broken.append(f"after {step['times']:g}x it is not back within {BACK_WITHIN_S:g} s")
    weight = figures["memory_mib"]
    if weight["second_half"] > GROWTH_MAX * weight["first_half"]:
        broken.append(f"memory grows from {weight['first_half']} to {weight['second_half']} MiB")
    return broken


def report(figures: dict[str, Any]) -> None:
    print(f"maximum (closed loop, {CLOSED}): {figures['max_txn_s']:.0f} a second")
    print(f"half of it: p99 {figures['calm_p99_us']:.0f} us")
    print(
        f"{'offered':>10}{'goodput':>10}{'CPU/txn':>9}{'lost':>6}{'after: txn/s':>14}{'p99 us':>10}   answers by DE 39"
    )
    for step in figures["steps"]:
        print(
            f"{step['times']:>9g}x{step['goodput']:>10.2f}{step['cpu_ratio']:>9.2f}{step['lost']:>6.0f}{step['after_txn_s']:>14.0f}"
            f"{step['after_p99_us']:>10.0f}   {step['answers']}"
        )
    print(f"memory at the most: {figures['memory_mib']} MiB")


def main() -> int:
    ask = argparse.ArgumentParser(
        prog="./run bench overload", description="Twice and five times the maximum, and after."
    )
    ask.add_argument("--seconds", type=float, default=4.0, help="of the calm runs; an overload takes twice that")
    ask.add_argument("--json", action="store_true", help="the last line is JSON")
    told = ask.parse_args()
    try:
        figures = measured(told.seconds)
    except SpoiltError as spoilt:
        print(f"does not count: {spoilt}")
        return 1
    report(figures)
    broken = holds(figures)
    print("\n".join(broken) or "all of it holds", f"; the switch ran {build_of(ROOT)}", sep="")
    if told.json:
        print(json.dumps(figures | {"broken": broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
