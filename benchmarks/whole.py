"""The whole path, as a ratio: `python benchmarks/whole.py [--json]`, or `./run bench`.

`isoload` is gateways and bank in one process on one core. On the other is, in turns, the switch as it is
delivered (rules, repeats, deadlines, every request and every answer in the journal before it is sent) or the raw
relay: one Trio task that cuts frames and hands them on, reads nothing in them and keeps nothing. What the
switch does, divided by what the relay does in the same run, is a figure that another machine gives too.

`--against REV` puts another commit of the switch beside this one. A run with one wrong answer does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent

SHAPES: Final = ("64x16", "64x1", "8x16")  # connections x requests outstanding on each
BESIDE: Final = "64x16/chip"  # purchases with a chip at a terminal, beside those on the internet
FIGURES: Final = ("txn_s", "cpu_us_per_txn", "p50_us", "p99_us", "p999_us")
LINKS: Final = 2  # to the bank
UNDER_TEST, GENERATOR = 0, 1  # cores

START_WITHIN_S: Final = 20.0


class SpoiltError(Exception):
    """A run that does not count."""


@dataclass
class Candidate:
    """What is measured: its name, and how it is started; it listens on `gateway`, and the bank is at `bank`."""

    name: str
    tree: Path | None  # of a switch; None: the relay
    pure: bool = False  # from its sources, though there is a compiled build
    runs: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[int, list[str]]]:
        """The process, and what isoload is told to find it."""
        gateway, bank = free_port(), free_port()
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            if self.tree is None:
                # The relay's second port is the one after its first.
                while not is_free(gateway + 1):
                    gateway = free_port()
                command, cwd = [sys.executable, str(HERE / "relay.py"), str(gateway)], ROOT
                towards = ["--issuer-dial", f"127.0.0.1:{gateway + 1}"]
            else:
                command, cwd = self._switch(Path(folder), gateway, bank), self.tree
                towards = ["--issuer-listen", str(bank)]
            with process(command, cwd, Path(folder, "log"), environment(cwd, self.pure)) as pid:
                wait_for(gateway, pid, Path(folder, "log"))
                yield pid, ["--gateway", f"127.0.0.1:{gateway}", *towards]

    def _switch(self, folder: Path, gateway: int, bank: int) -> list[str]:
        """The demonstration network on ports of its own; of its parties only the switch runs."""
        assert self.tree is not None
        network = folder / "network"
        ports = {"lab": gateway, "sandbox": bank}
        prepare = (
            "import sys, json; from pathlib import Path\n"
            "from protocols.network import load\n"
            "from switch.network_copy import copy_network, renumber\n"
            "from switch.shell.free_ports import free_ports\n"
            "place = Path(sys.argv[1]); copy_network(None, place)\n"
            "renumber(place, {**free_ports(load(place).ports), **json.loads(sys.argv[2])})\n"
        )
        subprocess.run(
            [sys.executable, "-c", prepare, str(network), json.dumps(ports)],
            check=True, cwd=self.tree, env=environment(self.tree), capture_output=True,
        )  # fmt: skip
        state = folder / "state"
        return [sys.executable, "-m", "switch", "switch", "--network", str(network), "--state", str(state)]


def environment(tree: Path, pure: bool = False) -> dict[str, str]:
    ours = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **ours, **({"PAYSWITCH_PURE": "1"} if pure else {})}


def build_of(tree: Path) -> str:
    """Which build a switch of these sources runs, in its own words."""
    ask = "from protocols import compiled; print(compiled.build())"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tree, env=environment(tree), capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "pure python"  # an older commit cannot say


@contextlib.contextmanager
def process(command: list[str], cwd: Path, log: Path, env: dict[str, str]) -> Iterator[int]:
    """A process on its core, ended by its own number."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            preexec_fn=lambda: pinned(UNDER_TEST),
        )  # fmt: skip
    try:
        yield running.pid
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(START_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def pinned(core: int) -> None:
    """To one core, where there are two."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def wait_for(port: int, pid: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        if not is_free(port):
            return
        time.sleep(0.05)
    raise SpoiltError(f"process {pid} does not listen: {log.read_text(errors='replace')[-500:]}")


def is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
    return port


def built(folder: Path) -> Path:
    """isoload, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        sys.exit("bench: needs a C compiler for the load generator (on Debian: apt-get install gcc)")
    program = folder / "isoload"
    subprocess.run([compiler, "-O2", "-o", str(program), str(HERE / "isoload.c")], check=True)
    return program


def loaded(isoload: Path, pid: int, towards: list[str], shape: str, seconds: float, extra: list[str]) -> dict[str, Any]:
    """One run; SpoiltError when an answer was wrong or late."""
    connections, window = shape.split("x")
    command = [
        *(str(isoload), *towards, "--issuer-links", str(LINKS), "--conns", connections, "--window", window),
        *("--warm-ms", "1000", "--ms", str(int(seconds * 1000)), "--connect-ms", "15000", "--pids", str(pid)),
        *("--json", *extra),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=lambda: pinned(GENERATOR), timeout=120
    )
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise SpoiltError(f"isoload ended with {done.returncode}: {done.stderr.strip()}") from None
    if done.returncode != 0:
        wrong = {name: told.get(name) for name in ("mismatches", "unmatched", "malformed", "timeouts", "by39")}
        raise SpoiltError(f"isoload ended with {done.returncode}: {wrong}")
    return told


def sync_us(folder: Path) -> float:
    """What one fdatasync costs here: a disk that answers in no time does not wait, and the figures mean less."""
    with (folder / "sync").open("wb", buffering=0) as file:
        times = []
        for _ in range(40):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def measure(candidates: list[Candidate], shapes: list[str], rounds: int, seconds: float, template: str) -> None:
    """Round robin: whatever else the machine does, it does to all."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        isoload = built(Path(folder))
        print(f"one fdatasync: {sync_us(Path(folder)):.0f} us; template {template}; {rounds} rounds of {seconds:g} s")
        for turn in range(rounds):
            for candidate in candidates:
                with candidate.running() as (pid, towards):
                    for shape in shapes:
                        size, _, kind = shape.partition("/")
                        try:
                            told = loaded(isoload, pid, towards, size, seconds, ["--template", kind or template])
                        except SpoiltError as spoilt:
                            print(f"round {turn + 1}, {candidate.name}, {shape}: does not count: {spoilt}")
                            continue
                        candidate.runs.setdefault(shape, []).append({name: told[name] for name in FIGURES})


def median(candidate: Candidate, shape: str, figure: str) -> float:
    runs = candidate.runs.get(shape, [])
    return statistics.median(run[figure] for run in runs) if runs else float("nan")


def report(candidates: list[Candidate], shapes: list[str]) -> dict[str, Any]:
    """A table of medians, and the ratios to the last candidate, which is the yardstick."""
    *tried, yardstick = candidates
    print(f"\n{'':>11}{'':>14}{'txn/s':>10}{'CPU us/txn':>12}{'p50 us':>9}{'p99 us':>9}{'p99.9 us':>10}{'ratio':>8}")
    for shape in shapes:
        for candidate in candidates:
            rate, cpu, p50, p99, p999 = (median(candidate, shape, name) for name in FIGURES)
            ratio = rate / median(yardstick, shape, "txn_s")
            print(
                f"{shape:>11}{candidate.name:>14}{rate:>10.0f}{cpu:>12.2f}{p50:>9.0f}{p99:>9.0f}{p999:>10.0f}{ratio:>8.3f}"
            )
    first, plain = tried[0], [shape for shape in shapes if "/" not in shape]
    beside = {shape: ratio_of(first, yardstick, shape, "txn_s") for shape in shapes if shape not in plain}
    return {
        "ratio": {shape: ratio_of(first, yardstick, shape, "txn_s") for shape in plain},
        "beside": beside,
        "cpu_ratio": {shape: ratio_of(yardstick, first, shape, "cpu_us_per_txn") for shape in shapes},
        "p99_ratio": {shape: ratio_of(first, yardstick, shape, "p99_us") for shape in shapes},
        "medians": {
            one.name: {shape: {name: median(one, shape, name) for name in FIGURES} for shape in shapes}
            for one in candidates
        },
    }


def ratio_of(one: Candidate, other: Candidate, shape: str, figure: str) -> float | None:
    if not one.runs.get(shape) or not other.runs.get(shape):
        return None
    return round(median(one, shape, figure) / median(other, shape, figure), 4)


@contextlib.contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """Another commit, laid out beside this one and taken away again."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        tree = Path(folder, "tree")
        subprocess.run(
            ["git", "worktree", "add", "--detach", str(tree), revision], check=True, cwd=ROOT, capture_output=True
        )
        try:
            yield tree
        finally:
            subprocess.run(
                ["git", "worktree", "remove", "--force", str(tree)], check=True, cwd=ROOT, capture_output=True
            )


def main() -> int:
    ask = argparse.ArgumentParser(prog="./run bench", description="The switch beside the raw relay, in one run.")
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--seconds", type=float, default=3.0, help="measured, for every shape of every round")
    ask.add_argument(
        "--shapes", default=",".join((*SHAPES, BESIDE)), help="connections x outstanding, /template, commas between"
    )
    ask.add_argument("--template", default="ecom", choices=("ecom", "chip", "mix"))
    ask.add_argument("--against", metavar="REV", help="another commit of the switch as well")
    ask.add_argument("--json", action="store_true", help="the last line is JSON")
    told = ask.parse_args()
    shapes = told.shapes.split(",")
    with contextlib.ExitStack() as stack:
        build = build_of(ROOT)
        candidates = [Candidate("switch", ROOT), Candidate("relay", None)]
        if build == "compiled":
            candidates.insert(1, Candidate("pure python", ROOT, pure=True))
        if told.against:
            candidates.insert(1, Candidate(told.against[:12], stack.enter_context(worktree(told.against))))
        measure(candidates, shapes, told.rounds, told.seconds, told.template)
    figures = report(candidates, shapes) | {"build": build}
    print(f"the switch ran {build}")
    if told.json:
        print(json.dumps(figures))
    return 0 if all(figures["ratio"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
