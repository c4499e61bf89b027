"""What a fuzz target is: a function that must survive any bytes, and bytes to begin with.

It may raise nothing at all: a parser's own error is caught inside, because refusing is what a
parser is for. What the target asserts beyond survival (that what was read can be written again)
is its own. How bytes are made up is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

INPUT_MAX = 8 * 1024  # a frame cannot be longer


@dataclass(frozen=True)
class Target:
    """One parser. Its name is also the folder of its regressions."""

    name: str
    one: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
