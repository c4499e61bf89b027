"""Whose turn it is at the till: what is about one transaction in the order in which it was written, the rest at once.

A capture or an increase waits until the transaction that it is about has its outcome: sent beside it, it would reach
the switch before there is anything to capture. A repeat or a reversal does not: both may be wanted while an answer
is still awaited. All of them wait for what was written about that transaction before them. No socket, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

AFTER_ITS_OUTCOME: Final = frozenset({"capture", "increase"})


class Turns:
    """The lines that are under way, by the transaction that they are about."""

    def __init__(self) -> None:
        self._under_way: dict[int | str, dict[trio.Event, bool]] = {}  # True: it is the transaction itself

    @contextmanager
    def line(self, id_: int | str, do: str, of: int | str | None) -> Iterator[list[trio.Event]]:
        """While the line is under way; gives what has to end before it may be sent."""
        end = trio.Event()
        before = []
        if of is not None:
            others = self._under_way.get(of, {})
            before = [other for other, is_itself in others.items() if not is_itself or do in AFTER_ITS_OUTCOME]
            self._under_way.setdefault(of, {})[end] = False
        self._under_way.setdefault(id_, {})[end] = True
        try:
            yield before
        finally:
            end.set()
            self._leave(id_, end)
            if of is not None:
                self._leave(of, end)

    def _leave(self, about: int | str, end: trio.Event) -> None:
        others = self._under_way.get(about, {})
        others.pop(end, None)
        if not others:
            self._under_way.pop(about, None)
