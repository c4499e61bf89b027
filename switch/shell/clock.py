"""The two clocks of this machine, read together: the one place where the switch asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import trio

from switch.instant import Instant


def now() -> Instant:
    """This moment: Trio's clock for waiting (virtual in tests), the calendar for elements and records."""
    return Instant(trio.current_time(), time.time())


def today() -> datetime:
    """The calendar alone, for certificates and whatever else lasts for days."""
    return datetime.now(UTC)
