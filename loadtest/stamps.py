"""Numbers and times for messages: STAN out of our own range, and DE 7, 12, 13 and 37 of the second it is.

Pure: the moment comes in. Times are UTC everywhere: a tester has no branch in a time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Protocol

STANS: Final = 999_999


class Numbers(Protocol):
    """One number after another, to find an answer's request by."""

    def next(self) -> str: ...


class Stans:
    """Numbers 000001 to 999999 and round again, or a worker's part of them, so that no two workers share one."""

    def __init__(self, first: int = 1, worker: int = 0, workers: int = 1) -> None:
        self._low = STANS * worker // workers + 1
        self._high = STANS * (worker + 1) // workers
        self._next = min(max(first, self._low), self._high) if workers == 1 else self._low

    def next(self) -> str:
        """
        >>> stans = Stans(first=999_999)
        >>> stans.next(), stans.next()
        ('999999', '000001')
        """
        number = self._next
        self._next = number + 1 if number < self._high else self._low
        return f"{number:06d}"

    @property
    def room(self) -> int:
        return self._high - self._low + 1


def stamp(at_s: float) -> dict[str, str]:
    """The elements of a moment, in seconds since 1970; `rrn_head` and a STAN make DE 37 (year's digit, day, hour).

    >>> stamp(974_983_904)
    {'transmitted_at': '1123125144', 'local_time': '125144', 'local_date': '1123', 'rrn_head': '032812'}
    """
    at = datetime.fromtimestamp(int(at_s), UTC)
    return {
        "transmitted_at": at.strftime("%m%d%H%M%S"),
        "local_time": at.strftime("%H%M%S"),
        "local_date": at.strftime("%m%d"),
        "rrn_head": at.strftime("%y%j%H")[1:],
    }
