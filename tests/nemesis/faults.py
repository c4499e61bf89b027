"""What can go wrong: one function each, that begins it and says how it ends.

A fault is begun on the running network and healed by the call it returns. Which one, whom it hits and how long it
lasts is drawn from the seed by whoever calls (`run`). What needs a tool or a right that is not there says so in
`possible`, and is left out with a word.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from switch.place import Party
from tests.nemesis import proxy
from tests.nemesis.proxy import Proxy
from tests.network import HSM, SWITCH, RunningNetwork, gateway, issuer

Heal = Callable[[], None]
GATEWAY: Final = gateway("comtrust")
SLOW_SYNC_US: Final = 300_000
STRACE_PATIENCE_S: Final = 5.0
ENDS_WITHIN_S: Final = 1.0  # a process whose sync failed (P11)


@dataclass(frozen=True, slots=True)
class Stage:
    """What faults act on."""

    network: RunningNetwork
    proxies: Mapping[str, Proxy]

    def victim(self, random: Random) -> Party:
        """Mostly the switch or a bank: it is their promises that are on trial."""
        banks = [issuer(name) for name in self.proxies]
        return random.choices([SWITCH, random.choice(banks), HSM, GATEWAY], (4, 4, 1, 1))[0]

    def alive(self, party: Party) -> bool:
        process = self.network.processes.get(party)
        return process is not None and process.popen.poll() is None

    def revive(self, party: Party) -> None:
        """Running again, whether or not it still is."""
        if self.alive(party):
            return
        if (process := self.network.processes.pop(party, None)) is not None:
            process.end(signal.SIGKILL)
        if party == GATEWAY:  # it is ready when it has signed on: nobody waits for that while the switch is down
            self.network.launch(party)
        else:
            self.network.start(party)


@dataclass(frozen=True, slots=True)
class Fault:
    """`begin` hits a victim (a party's or a bank's name) and gives what heals it."""

    name: str
    longest_s: float
    weight: int
    begin: Callable[[Stage, Party], Heal]
    only: Party | None = None  # always this one
    bank: bool = False  # a bank's link


def _kill(stage: Stage, victim: Party) -> Heal:
    if stage.alive(victim):
        stage.network.kill(victim)
    return lambda: stage.revive(victim)


def _freeze(stage: Stage, victim: Party) -> Heal:
    stage.network.freeze(victim)
    return lambda: stage.network.thaw(victim)


def _stop(stage: Stage, victim: Party) -> Heal:
    """In order: the exit code is 0, or that is a finding."""
    if (code := stage.network.stop(victim)) != 0:
        raise AssertionError(f"P13: {victim} was asked to stop and ended with {code}")
    return lambda: stage.revive(victim)


def _spoil(name: str) -> Callable[[Stage, Party], Heal]:
    def begin(stage: Stage, victim: Party) -> Heal:
        stage.proxies[victim.name].fault = name
        return stage.proxies[victim.name].heal

    return begin


def _no_room(stage: Stage, victim: Party) -> Heal:
    """No file of the switch may grow beyond where its log stands: a short write, then the error, as on a full disk."""
    pid = stage.network.processes[SWITCH].popen.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    folder = stage.network.place.state / "switch"
    largest = max(path.stat().st_size for path in folder.glob("journal.*"))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + 5000, before[1]))

    def heal() -> None:
        with suppress(ProcessLookupError):  # nobody has waited for it yet, so the number is still its own
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        _last_words(stage)

    return heal


def _last_words(stage: Stage) -> None:
    """A switch whose disk failed ends within a second; then it is started again."""
    with suppress(subprocess.TimeoutExpired):
        stage.network.processes[SWITCH].popen.wait(ENDS_WITHIN_S)
    stage.revive(SWITCH)


def _traced(*injections: str) -> Callable[[Stage, Party], Heal]:
    """System calls of the switch that are slow, or fail."""

    def begin(stage: Stage, victim: Party) -> Heal:
        pid = stage.network.processes[SWITCH].popen.pid
        given = [word for one in injections for word in ("-e", f"inject={one}")]
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", "trace=fdatasync,fsync", *given]
        tracer = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def heal() -> None:
            tracer.send_signal(signal.SIGINT)
            try:
                tracer.wait(STRACE_PATIENCE_S)
            except subprocess.TimeoutExpired:
                tracer.kill()
                tracer.wait()
            _last_words(stage)

        return heal

    return begin


def can_trace() -> bool:
    """Whether strace is here and may attach."""
    yama = Path("/proc/sys/kernel/yama/ptrace_scope")
    allowed = not yama.exists() or yama.read_text().strip() == "0" or _is_root()
    return sys.platform.startswith("linux") and shutil.which("strace") is not None and allowed


def _is_root() -> bool:
    return os.geteuid() == 0


LINKS: Final = tuple(
    Fault(f"link {name}", 12.0 if name in proxy.ENDS_LINKS else 8.0, 2, _spoil(name), bank=True)
    for name in proxy.FAULTS
    if name != "clean"
)
FAULTS: Final[tuple[Fault, ...]] = (
    Fault("kill", 3.0, 12, _kill),
    Fault("freeze", 8.0, 6, _freeze),
    Fault("stop", 2.0, 4, _stop),
    *LINKS,
    Fault("no room on disk", 4.0, 2, _no_room, only=SWITCH),
    Fault("slow disk", 6.0, 2, _traced(f"fdatasync,fsync:delay_enter={SLOW_SYNC_US}"), only=SWITCH),
    Fault("failed sync", 3.0, 2, _traced("fdatasync,fsync:error=EIO:when=3"), only=SWITCH),
)
TRACED: Final = frozenset({"slow disk", "failed sync"})


def possible() -> tuple[Fault, ...]:
    """Those that this machine lets us do."""
    return tuple(one for one in FAULTS if one.name not in TRACED or can_trace())
