"""One bank is sick, and how long everybody waits meanwhile (P8, P9); stops in order under load (P13).

Each function acts on a stage where load is running, and gives figures. What is good enough is for whoever asks:
strict on a quiet machine, tolerant beside other work.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

from switch.place import Part, Party
from tests.nemesis.faults import Stage
from tests.nemesis.load import Load, cards_of
from tests.nemesis.recount import recount
from tests.nemesis.run import BANKS, Hands, commit, proxied_network
from tests.nemesis.soak import vitals
from tests.network import SWITCH

GRACE_S: Final = 0.1  # after the deadline (P8)
TIMES, MORE_S, MORE_MB = 1.5, 0.005, 20.0  # P9
AFTER_S: Final = 0.5  # for answers that were asked for just before
IN_TIME: Final = frozenset({"00", "91"})  # stand-in, or the bank cannot be reached


@dataclass(frozen=True, slots=True)
class Illness:
    """What one sickness did."""

    how: str
    slowest_s: float  # answer about the sick bank's cards
    codes: tuple[str, ...]
    others_before_s: float  # the quantile of the other banks, before
    others_during_s: float
    more_mb: float  # of the switch's memory

    def late(self, deadline_s: float, grace_s: float = GRACE_S) -> bool:
        """Whether somebody waited beyond the deadline, or heard what is no answer to silence."""
        return self.slowest_s > deadline_s + grace_s or not IN_TIME.issuperset(self.codes)

    def infects(self, times: float = TIMES, more_s: float = MORE_S) -> bool:
        """Whether other banks' customers felt it."""
        return self.others_during_s > self.others_before_s * times + more_s or self.more_mb > MORE_MB


def quantile(values: list[float], share: float) -> float:
    """
    >>> quantile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def _frozen(stage: Stage, bank: str) -> Callable[[], None]:
    victim = Party(Part.ISSUER, bank)
    stage.network.freeze(victim)
    return lambda: stage.network.thaw(victim)


def _by_proxy(fault: str) -> Callable[[Stage, str], Callable[[], None]]:
    def begin(stage: Stage, bank: str) -> Callable[[], None]:
        stage.proxies[bank].fault = fault
        return stage.proxies[bank].heal

    return begin


SICKNESSES: Final[Mapping[str, Callable[[Stage, str], Callable[[], None]]]] = {
    "frozen": _frozen,
    "drip": _by_proxy("drip"),
    "deaf": _by_proxy("deaf"),
}


def suffers(stage: Stage, load: Load, how: str, bank: str, seconds: float, deadline_s: float, share: float) -> Illness:
    """Measure as long before as during; `share` is the quantile (0.99) of the other banks' answers."""
    began = time.monotonic()
    time.sleep(seconds)
    before = _answers(load, bank, began, time.monotonic())
    memory = _memory(stage)
    fell_ill = time.monotonic()
    heal = SICKNESSES[how](stage, bank)
    time.sleep(seconds)
    healed = time.monotonic()
    more = _memory(stage) - memory
    time.sleep(deadline_s + AFTER_S)  # the last ones asked of the sick bank are answered too
    mine = [
        (took, code)
        for at, took, issuer, code in list(load.latencies)
        if issuer == bank and fell_ill <= at <= healed and code != "51"
    ]
    during = _answers(load, bank, fell_ill, healed)
    heal()
    return Illness(
        how,
        max((took for took, _ in mine), default=0.0),
        tuple(sorted({code for _, code in mine})),
        quantile(before, share),
        quantile(during, share),
        more,
    )


def _answers(load: Load, bank: str, since: float, until: float) -> list[float]:
    """How long answers took of banks that are neither sick nor, as the sandbox, slow by their own wish."""
    own_wish = {bank, "sandbox"}
    return [took for at, took, issuer, _ in list(load.latencies) if since <= at <= until and issuer not in own_wish]


def _memory(stage: Stage) -> float:
    return vitals(stage.network.processes[SWITCH].popen.pid)["MB"]


def stops_in_order(stage: Stage, times: int) -> tuple[list[int], float]:
    """The switch asked to stop under load, so many times: its exit codes, and the longest it took."""
    codes, longest = [], 0.0
    for _ in range(times):
        began = time.monotonic()
        codes.append(stage.network.stop(SWITCH))
        longest = max(longest, time.monotonic() - began)
        stage.network.start(SWITCH)
        time.sleep(0.3)
    return codes, longest


@contextmanager
def loaded(seed: int, rate: float, issuer_s: float) -> Iterator[tuple[Stage, Load]]:
    """A stage with load on it; at the end the load knows all it asked."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder, proxied_network(seed, (), issuer_s) as stage:
        network = stage.network
        cards = cards_of(network.cards(), BANKS)
        load = Load(network.host, network.ports["lab"], cards, rate, seed, Path(folder, "history.jsonl"))
        with Hands() as clients:
            clients.start(load.run)
            try:
                yield stage, load
            finally:
                load.stop = load.give_up = True


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nemesis.sick", description="P8, P9 and P13 at full size.")
    parser.add_argument("what", choices=("deadline", "neighbours", "stops"))
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a bank is sick")
    parser.add_argument("--times", type=int, default=100, help="how often the switch is stopped")
    parser.add_argument("--rate", type=float, default=100.0, help="payments a second")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**9))
    options = parser.parse_args()
    print(f"seed {options.seed}, commit {commit()}", flush=True)
    issuer_s = 2.0 if options.what == "stops" else 8.0
    broken: list[str] = []
    with loaded(options.seed, options.rate, issuer_s) as (stage, load):
        time.sleep(2.0)
        if options.what == "stops":
            codes, longest = stops_in_order(stage, options.times)
            load.stop = True
            stage.network.until(lambda: not load.unsettled, 30.0, "clients")
            broken += recount(load.payments, stage.network.settled())
            broken += [f"P13: ended with {code}" for code in codes if code]
            print(f"{len(codes)} stops, the longest {longest:.1f} s, {len(load.payments)} payments")
        for how in {"deadline": ["frozen"], "neighbours": list(SICKNESSES)}.get(options.what, []):
            found = suffers(stage, load, how, "nbk", options.seconds, issuer_s, 0.99)
            print(json.dumps(asdict(found)), flush=True)
            if options.what == "deadline" and found.late(issuer_s):
                broken.append(f"P8: {how}: somebody waited {found.slowest_s:.2f} s, or heard {found.codes}")
            if options.what == "neighbours" and found.infects():
                broken.append(f"P9: {how}: others waited")
            time.sleep(2.0)
    print(*broken, sep="\n")
    return 5 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
