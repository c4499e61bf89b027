"""How often somebody may try to sign in. Pure: time comes in as an argument.

Counted by who is tried (so that a password is not guessed from many places) and by where from (so that one
place does not try many). A success forgets the tries of that holder, not those of the place.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

TRIES_PER_HOLDER: Final = 5  # a person who has forgotten gives up before; a guesser gets 480 a day
TRIES_PER_PLACE: Final = 30  # a family behind one address
WITHIN_S: Final = 900.0
REMEMBERED_MAX: Final = 10_000  # names that somebody made up, too; the oldest is forgotten first


class Attempts:
    """The failures of the last quarter of an hour.

    >>> attempts = Attempts()
    >>> for _ in range(TRIES_PER_HOLDER):
    ...     attempts.failed("fatma", "127.0.0.1", now=0.0)
    >>> attempts.wait_s("fatma", "127.0.0.1", now=60.0), attempts.wait_s("yousef", "127.0.0.1", now=60.0)
    (840.0, 0.0)
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait_s(self, user: str, place: str, now: float) -> float:
        """How long until the next try is looked at; nothing: at once."""
        return max(
            self._wait(("holder", user), TRIES_PER_HOLDER, now), self._wait(("place", place), TRIES_PER_PLACE, now)
        )

    def failed(self, user: str, place: str, now: float) -> None:
        """Count one."""
        for key in (("holder", user), ("place", place)):
            self._failures[key] = [*self._recent(key, now), now]
            self._failures.move_to_end(key)
        while len(self._failures) > REMEMBERED_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, user: str) -> None:
        self._failures.pop(("holder", user), None)

    def _wait(self, key: tuple[str, str], most: int, now: float) -> float:
        recent = self._recent(key, now)
        return recent[-most] + WITHIN_S - now if len(recent) >= most else 0.0

    def _recent(self, key: tuple[str, str], now: float) -> list[float]:
        return [at for at in self._failures.get(key, ()) if at > now - WITHIN_S]
