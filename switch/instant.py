"""A moment, as the shell hands it to the core: two clocks that must not be mistaken for each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class Instant(NamedTuple):
    """`elapsed` runs steadily and times everything out; `wall` may step and only fills elements and records."""

    elapsed: float  # seconds of a monotonic clock
    wall: float  # seconds since 1970

    def transmitted_at(self) -> str:
        """DE 7: MMDDhhmmss, UTC.

        >>> Instant(0.0, 974928704.0).transmitted_at()
        '1122213144'
        """
        return datetime.fromtimestamp(self.wall, UTC).strftime("%m%d%H%M%S")

    def rrn(self, sequence: int) -> str:
        """DE 37 as the switch makes it: last digit of the year, day of the year, hour, sequence (YDDDHHNNNNNN).

        >>> Instant(0.0, 974928704.0).rrn(7)
        '032721000007'
        """
        moment = datetime.fromtimestamp(self.wall, UTC)
        return f"{moment.year % 10}{moment.timetuple().tm_yday:03d}{moment.hour:02d}{sequence % 1_000_000:06d}"
