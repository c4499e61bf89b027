"""A fuzzer of our own, for where there is no atheris: seeds, changed at random, until the time is up.

It does not see which lines run, so it finds less; it needs nothing but Python.
"""

from __future__ import annotations

import time
from random import Random
from typing import Final

from fuzz.target import INPUT_MAX, Target

AT_ONCE: Final = 4  # changes to one input, at most
STRAY: Final = [b"\x00", b"\xff", b"0", b"9", b" ", b"F", b"=", b"D", b"\x80", b"\x7f", b"99", b"\x1b", b"\xb2"]


def fuzz(target: Target, seconds: float, random: Random) -> tuple[bytes | None, int]:
    """The first input that breaks the target, if there is one, and how many were tried."""
    seeds, tried, end = [*target.seeds()], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(random.choice(seeds), seeds, random)
        tried += 1
        try:
            target.one(data)
        except Exception:
            return data, tried
    return None, tried


def mutated(data: bytes, others: list[bytes], random: Random) -> bytes:
    """The bytes with a few places changed, cut out, put in, repeated or taken from another."""
    for _ in range(random.randint(1, AT_ONCE)):
        at = random.randint(0, len(data))
        end = min(len(data), at + random.choice((0, 1, 1, 2, 4, 16)))
        match random.randrange(5):
            case 0:
                piece = bytes((random.randrange(256),))
            case 1:
                piece = random.choice(STRAY) * random.choice((1, 1, 2, 8))
            case 2:
                piece = b""
            case 3:
                piece = data[at:end] * random.choice((2, 3, 20))
            case _:
                other = random.choice(others)
                piece = other[at : at + random.choice((1, 4, 16, 64))]
        data = data[:at] + piece + data[end:]
    return data[:INPUT_MAX]
