"""What the health commands begin with: whose figures, and of which time. Dates and times are UTC."""

from datetime import datetime

from hsm_sim.command import Station

TEN_DIGITS = 9_999_999_999


def date(moment: datetime) -> str:
    """YYMMDD."""
    return f"{moment:%y%m%d}"


def time(moment: datetime) -> str:
    """HHMMSS."""
    return f"{moment:%H%M%S}"


def period(station: Station) -> dict[str, str]:
    """Serial number, and from when to when: counting never stops, so its end is now."""
    began, now = station.figures.began, station.figures.clock()
    return {
        "serial": station.settings.serial,
        "start_date": date(began),
        "start_time": time(began),
        "end_date": date(now),
        "end_time": time(now),
        "now_date": date(now),
        "now_time": time(now),
    }


def seconds(station: Station) -> str:
    """How long that is."""
    return counted(station.figures.seconds, 10)


def counted(count: int, digits: int) -> str:
    """A counter that stands still at its end: it never begins anew and looks innocent."""
    return f"{min(count, 10**digits - 1):0{digits}d}"
