"""Cost that does not grow: `python benchmarks/grow.py [--json]`, or `./run bench grow`.

What a purchase costs, in microseconds of CPU, where there is little of something and where there is much of it:
issuers, prefixes of card numbers, transactions that are past, connections. All but the last are measured in the core
alone, a thousand requests under way; connections are real, and the same load comes over 64 of them.
What is compared is measured in turns, for the machine may be shared, and long enough that many seconds of DE 7 begin.

And what it weighs: bytes that a transaction under way takes, and one that is remembered.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import resource
import socket
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count, cycle, islice
from pathlib import Path
from random import Random
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.whole import ROOT, Candidate, SpoiltError, build_of, built, loaded
from fast.rehearsal import INTERNET, PURCHASE
from protocols import elements as de
from protocols.dialects import dialect_named
from protocols.elements import element_named
from protocols.pan import check_digit
from switch.configuration import Configuration, configure
from switch.core import Core
from switch.ends import Side
from switch.instant import Instant
from switch.memory import REMEMBERED_MAX, Memory
from switch.routing import Routes

DIALECT: Final = dialect_named("iso87_ascii")
NOW: Final = Instant(1000.0, 1_795_000_000.0)  # 18 November 2026, 11:06:40
UNDER_WAY: Final = 1024
A_READ: Final = 16  # frames that come at a time from one connection
GATEWAYS: Final = range(1, 1 + UNDER_WAY // A_READ)  # their connections
FLAT: Final = 1.25
PAST: Final = 10_000_000
IDLE: Final = (0, 1_000, 5_000)
VALUES: Final = {element_named(name).number: value for name, value in {**PURCHASE, **INTERNET}.items() if value}


@dataclass
class Bench:
    """A core with its issuers, and requests that never end."""

    name: str
    core: Core
    prefixes: list[str]
    costs: list[float] = field(default_factory=list)  # µs of CPU a transaction, of every round
    issuers: dict[int, str] = field(default_factory=dict)  # by connection

    def __post_init__(self) -> None:
        core = self.core
        issuing = sorted({core.network.routes.find(prefix).issuer for prefix in self.prefixes})  # type: ignore[union-attr]
        for number, issuer in enumerate(issuing, start=GATEWAYS.stop):
            core.opened(number, Side.ISSUER, core.network.participants[issuer], NOW)
            greeting = DIALECT.decode(core.take_sends()[number].frames[0])
            core.received(number, [greeting.answered({de.RESPONSE_CODE: "00"})], NOW)
            self.issuers[number] = issuer
        for number in GATEWAYS:
            core.opened(number, Side.GATEWAY, core.network.participants["lab"], NOW)
        base = DIALECT.decode(DIALECT.encode("0100", VALUES))
        self._cards = cycle([card(prefix) for prefix in shuffled(self.prefixes)])
        self._frames = (
            base.patched(
                {de.PAN: next(self._cards), de.TRANSMITTED_AT: second(number), de.STAN: f"{number % 999_999 + 1:06d}"}
            )
            for number in count()
        )

    def round(self) -> None:
        """A thousand requests come in, go out, are answered and told; what the issuers do is not counted."""
        core = self.core
        frames = list(islice(self._frames, UNDER_WAY))
        spent = -time.thread_time()
        core.received_all(reads_of(frames), NOW)
        asked = self._committed()
        spent += time.thread_time()
        answers = {
            number: [
                DIALECT.decode(frame).answered({de.RESPONSE_CODE: "00", de.APPROVAL_CODE: "A1B2C3"})
                for frame in asked[number]
            ]
            for number in asked
        }
        spent -= time.thread_time()
        core.received_all(answers.items(), NOW)
        heard = sum(map(len, self._committed().values()))
        core.tick(NOW)
        spent += time.thread_time()
        if heard != UNDER_WAY:
            raise SpoiltError(f"{self.name}: {heard} answers to {UNDER_WAY} requests")
        self.costs.append(spent / UNDER_WAY * 1e6)

    def _committed(self) -> dict[int, list[bytes]]:
        while (batch := self.core.take_batch()) is not None:
            self.core.durable(batch.epoch, NOW)
        self.core.take_events()
        return {number: sends.frames for number, sends in self.core.take_sends().items()}

    @property
    def cost(self) -> float:
        """Of all rounds but the first quarter, which learns the layouts: a mean, because learning is a cost too."""
        return statistics.fmean(self.costs[len(self.costs) // 4 :])


def reads_of(frames: list[bytes]) -> list[tuple[int, list[bytes]]]:
    """What one wake-up reads: a few frames from every connection."""
    return [
        (number, frames[at : at + A_READ]) for number, at in zip(GATEWAYS, range(0, UNDER_WAY, A_READ), strict=True)
    ]


def second(number: int) -> str:
    """DE 7: 25 000 requests in every second."""
    minute, at = divmod(number // 25_000, 60)
    return f"111811{minute % 60:02d}{at:02d}"


def card(prefix: str) -> str:
    payload = prefix.ljust(15, "1")
    return payload + check_digit(payload)


def shuffled(prefixes: list[str]) -> list[str]:
    return Random(1).sample(prefixes, len(prefixes))


def network_of(issuers: int, prefixes: int) -> tuple[Configuration, list[str]]:
    """The demonstration network with so many issuers more, and prefixes of six to nine digits dealt among them."""
    network = configure()
    bank = network.participants["sandbox"]
    sample = network.routes.find("4111111111111111")
    assert sample is not None
    names = [f"bank{number}" for number in range(issuers)]
    banks = {name: bank.model_copy(update={"id": name}) for name in names}
    taken = [str(500_000 + number) + "7" * (number % 4) for number in range(prefixes)]
    issued = [replace(sample, prefix=prefix, issuer=names[number % issuers]) for number, prefix in enumerate(taken)]
    return replace(network, participants={**network.participants, **banks}, routes=Routes(issued)), taken


def bench(name: str, issuers: int = 1, prefixes: int = 10, past: int = 0) -> Bench:
    network, taken = network_of(issuers, prefixes)
    memory = Memory()
    for number in range(past):  # as many as ever were: the memory keeps the last of them
        memory.keep(f"lab/1/1117{number // 60_000 % 240_000:06d}{number % 999_999 + 1:06d}LAB00001", b"", b"")
    return Bench(name, Core(network, Random(1), memory), taken)


def in_turns(benches: list[Bench], rounds: int) -> dict[str, float]:
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for one in benches:
            one.round()
    return {one.name: round(one.cost, 2) for one in benches}


def in_the_core(rounds: int, past: int) -> dict[str, dict[str, float]]:
    """CPU µs a transaction, by what there is little or much of."""
    return {
        "issuers": in_turns([bench("1"), bench("50", issuers=50, prefixes=50)], rounds),
        "prefixes": in_turns([bench("10"), bench("10 000", prefixes=10_000)], rounds),
        "past transactions": in_turns(
            [bench(f"{REMEMBERED_MAX:,}", past=REMEMBERED_MAX), bench(f"{past:,}", past=past)], rounds
        ),
    }


def weights() -> dict[str, float]:
    """Bytes of a transaction that is open, and of one that is remembered: how memory grows with their number."""
    few, many = 2_000, 10_000
    one = bench("weights")
    one.round()
    gc.collect()
    tracemalloc.start()
    try:
        return {"open": _slope(one, few, many, answered=False), "remembered": _slope(one, few, many, answered=True)}
    finally:
        tracemalloc.stop()


def _slope(one: Bench, few: int, many: int, *, answered: bool) -> float:
    sizes = []
    for amount in (few, many - few):
        for _ in range(amount // UNDER_WAY + 1):
            if answered:
                one.round()
            else:
                one.core.received_all(reads_of(list(islice(one._frames, UNDER_WAY))), NOW)
                one._committed()
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    return round((sizes[1] - sizes[0]) / (((many - few) // UNDER_WAY + 1) * UNDER_WAY))


def over_connections(seconds: float, rounds: int) -> dict[str, float]:
    """The same load over 64 connections, with so many more that are open and silent."""
    costs: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        isoload = built(Path(name))
        with Candidate("switch", ROOT).running() as (pid, towards):
            for _ in range(rounds):
                for idle in IDLE:
                    with silent(towards[1], idle):
                        told = loaded(isoload, pid, towards, "64x16", seconds, [])
                    costs.setdefault(f"64 and {idle:,} silent", []).append(told["cpu_us_per_txn"])
    return {name: statistics.median(found) for name, found in costs.items()}


@contextlib.contextmanager
def silent(address: str, number: int) -> Iterator[None]:
    """So many connections that say nothing."""
    host, _, port = address.rpartition(":")
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
        yield


def flatness(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Where there is most of it, divided by where there is least."""
    return {what: round(list(costs.values())[-1] / next(iter(costs.values())), 3) for what, costs in figures.items()}


def main() -> int:
    ask = argparse.ArgumentParser(
        prog="./run bench grow", description="Whether a purchase costs more where there is more."
    )
    ask.add_argument("--rounds", type=int, default=60, help="of a thousand purchases")
    ask.add_argument("--past", type=int, default=PAST, help="transactions before")
    ask.add_argument("--seconds", type=float, default=2.0, help="of a run over connections")
    ask.add_argument("--json", action="store_true", help="the last line is JSON")
    told = ask.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = in_the_core(told.rounds, told.past)
    try:
        figures["connections"] = over_connections(told.seconds, 3)
    except (SpoiltError, OSError) as spoilt:
        print(f"connections: not measured: {spoilt}")
    flat = flatness(figures)
    for what, costs in figures.items():
        words = ", ".join(f"{name}: {cost:.2f}" for name, cost in costs.items())
        print(f"{what:20}{words} us ({flat[what]:.2f} times{'' if flat[what] <= FLAT else ', NOT FLAT'})")
    weighed = weights()
    print(f"bytes of a transaction: {weighed}; the switch ran {build_of(ROOT)}")
    if told.json:
        print(json.dumps({"cpu_us_per_txn": figures, "flatness": flat, "bytes": weighed}))
    return 0 if all(one <= FLAT for one in flat.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
