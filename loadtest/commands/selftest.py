"""Prove on this machine that the tester does not lie: known hosts, and what must be measured of them.

L1: a host that stops for a while; the percentiles of open load follow the formula, and closed load is shown to hide it.
L4: hosts that take a known time. It takes a minute. Hosts and tester share this machine, so a busy one fails; that is
an answer too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import trio

from loadtest.result import Clock, Exit, Result
from loadtest.scenario import made
from loadtest.shell.run import run_scenario

HELP = "prove on this machine that the tester does not lie (L1 and L4)"

LASTS_S, STOP_S, RATE_PER_S = 12.0, 2.0, 1000.0
TOLERANCE: Final = 0.05  # of a percentile of the stall
NEAR_MS: Final = 2.0  # of a known latency
END_S: Final = 10.0

Check = tuple[str, bool]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="a quarter of the time, with a quarter of the messages")


def main(options: argparse.Namespace) -> int:
    scale = 0.25 if options.quick else 1.0
    failed = False
    for title, test in TESTS.items():
        print(title, flush=True)
        for said, held in test(scale):
            failed = failed or not held
            print(f"  {'ok' if held else 'WRONG'}: {said}", flush=True)
    print(
        "this machine can be trusted with a measurement" if not failed else "do not trust a measurement made here now"
    )
    return Exit.INVALID if failed else Exit.PASSED


def _stall(scale: float) -> Iterator[Check]:
    """L1: p_q = S (1 - (1 - q) / (S / D)) for q > 1 - S / D."""
    lasts_s, stop_s = LASTS_S * scale, STOP_S * scale
    script = f"[[timeline]]\nat_s = {2 * scale}\nfreeze_s = {stop_s}\n"
    result = _run(script, {"arrivals": [{"shape": "constant", "rate_per_s": RATE_PER_S, "for_s": lasts_s}]})
    for percent in (90, 95, 99):
        expected = 1000 * stop_s * (1 - (1 - percent / 100) / (stop_s / lasts_s))
        measured = result.histogram(Clock.RESPONSE).percentile(percent) / 1000
        near = abs(measured - expected) <= TOLERANCE * expected
        yield f"open load, p{percent}: {measured:.0f} ms, and {expected:.0f} ms by the formula", near
    closed = _run(script, {"closed": {"users": 4, "for_s": lasts_s, "think_s": 0.002}})
    hidden = closed.histogram(Clock.RESPONSE).percentile(99) / 1000
    warned = any("hide stalls" in remark for remark in closed.remarks)
    yield f"closed load hides it (p99 {hidden:.0f} ms) and says so", warned and hidden < 500 * stop_s


def _known(scale: float) -> Iterator[Check]:
    """L4: the quantiles stay one percent away from the step, for on it any answer would do."""
    plan = {"arrivals": [{"shape": "poisson", "rate_per_s": 400, "for_s": 20 * scale}]}
    steady = _run("latency_ms = 20\n", plan)
    yield from _near(steady, {50: 20.0, 89: 20.0, 91: 20.0, 99: 20.0})
    stepped = _run("[latency_ms]\nsteps = [[0.9, 5.0], [0.1, 200.0]]\n", plan)
    yield from _near(stepped, {50: 5.0, 89: 5.0, 91: 200.0, 99: 200.0} if scale == 1 else {50: 5.0, 99: 200.0})


def _near(result: Result, expected: dict[int, float]) -> Iterator[Check]:
    for percent, latency in expected.items():
        measured = result.histogram(Clock.RESPONSE).percentile(percent) / 1000
        yield f"p{percent}: {measured:.2f} ms, and the host takes {latency:g} ms", abs(measured - latency) <= NEAR_MS


TESTS: Final[dict[str, Callable[[float], Iterator[Check]]]] = {
    "L1: it does not hide a stall": _stall,
    "L4: it measures what is there": _known,
}


def _run(script: str, plan: dict[str, Any]) -> Result:
    with _answering(script) as port:
        content = {
            "name": "selftest",
            "target": {"port": port},
            "links": {"count": 4, "max_in_flight": 10_000, "sign_on": False},
            "plan": plan,
            "mix": {"purchase": 1},
        }
        return trio.run(run_scenario, made(content))


@contextmanager
def _answering(script: str) -> Iterator[int]:
    """A host as a process of its own, so that the two do not wait for each other: its port."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "script.toml")
        file.write_text(script)
        command = [sys.executable, "-m", "loadtest", "serve", str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield int(process.stdout.readline().rpartition(":")[2])
            finally:
                process.terminate()
                process.wait(END_S)
