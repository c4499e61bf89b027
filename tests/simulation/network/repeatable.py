"""Chance taken out of Trio: the same seed is the same run.

Trio wakes tasks in an order of its own choosing, on purpose. Its private switch for deterministic scheduling and its
private generator are set here; where a version of Trio has them no more, this fails loudly and nothing is simulated.
Ties between deadlines are not covered by that switch, so the simulation spaces its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

import trio
import trio.testing

T = TypeVar("T")


class NotRepeatableError(Exception):
    """This version of a library, or of the project, lacks a name that the simulation has to replace."""


@contextmanager
def replaced(where: Any, **names: Any) -> Iterator[None]:
    """These names of a module or class hold something else for a while. Raises NotRepeatableError for one it lacks."""
    before = {}
    for name in names:
        if not hasattr(where, name):
            raise NotRepeatableError(f"{getattr(where, '__name__', where)} has no {name}")
        before[name] = getattr(where, name)
    try:
        for name, value in names.items():
            setattr(where, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(where, name, value)


def run_repeatably(seed: int, main: Callable[[], Awaitable[T]]) -> T:
    """`trio.run(main)` in virtual time that jumps, with Trio's own choices drawn from the seed."""
    from trio._core import _run

    with replaced(_run, _ALLOW_DETERMINISTIC_SCHEDULING=True, _r=Random(seed)):
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(main, clock=clock)
