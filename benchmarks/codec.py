"""Our codec against pyiso8583, as ratios: `python benchmarks/codec.py`.

One 0100 of 21 elements, read, ten elements asked for, two rewritten, answered.
Rounds are interleaved, because the machine is shared, and the best of each is
taken. Ratios are the point: the microseconds are this machine's, today.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from timeit import Timer

import iso8583

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from protocols.dialects import dialect_named, names
from tests.builders import authorization

ROUNDS = 15
CALLS = 2000
ASKED = (2, 3, 4, 7, 11, 18, 37, 41, 42, 49)  # what routing, rules and matching look at
CHANGES = {11: "654321", 37: "532820654321"}
OUTCOME = {38: "A1B2C3", 39: "00"}


def main() -> None:
    for name in (name for name in names() if dialect_named(name).version == "0"):
        report(name, measured(jobs(name)))


def jobs(name: str) -> dict[str, Callable[[], object]]:
    """What is timed, by name; the first is the yardstick."""
    dialect = dialect_named(name)
    values = authorization()
    frame = dialect.encode("0100", values)
    message = dialect.decode(frame)
    get = message.get

    body = message.frame  # without a header, of which pyiso8583 is told nothing

    def theirs() -> None:
        document, _ = iso8583.decode(body, dialect.spec)
        document["11"], document["37"] = CHANGES[11], CHANGES[37]
        iso8583.encode(document, dialect.spec)

    def ours() -> None:
        read = dialect.decode(frame)
        for number in ASKED:
            read.get(number)
        read.patched(CHANGES)

    def ours_picking() -> None:
        read = dialect.decode(frame)
        read.pick(ASKED)
        read.patched(CHANGES)

    def ten_gets() -> None:
        for number in ASKED:
            get(number)

    return {
        "pyiso8583: decode, change two, encode": theirs,
        "ours: decode, ten get(), patch two": ours,
        "ours: decode, pick ten, patch two": ours_picking,
        "decode": lambda: dialect.decode(frame),
        "ten get()": ten_gets,
        "pick, ten elements": lambda: message.pick(ASKED),
        "patched, two elements": lambda: message.patched(CHANGES),
        "answered": lambda: message.answered(OUTCOME),
        "encode from nothing": lambda: dialect.encode("0100", values),
    }


def measured(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Microseconds a call, the best of interleaved rounds."""
    timers = {name: Timer(job) for name, job in work.items()}
    best = dict.fromkeys(timers, float("inf"))
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            best[name] = min(best[name], timer.timeit(CALLS) / CALLS * 1e6)
    return best


def report(dialect: str, figures: dict[str, float]) -> None:
    yardstick = next(iter(figures.values()))
    print(f"\n{dialect:42}{'µs':>8}{'ratio':>9}")
    for name, figure in figures.items():
        print(f"{name:42}{figure:8.2f}{figure / yardstick:9.4f}")


if __name__ == "__main__":
    main()
