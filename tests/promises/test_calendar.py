"""P19: dates are right whatever the calendar does, against a table of 400 moments that another program worked out.

The table (`tests/vectors/dates.csv`) is GNU date's. Each moment is written by us, and read back from its ten digits
by somebody whose clock stands up to half a year off.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from protocols.values import nearest
from switch.instant import Instant
from switch.totals import business_date

TABLE = Path(__file__).parents[1] / "vectors" / "dates.csv"
HOUR_S, DAY_S = 3600, 86_400
CLOCKS_OFF_S = (0, 1, -1, HOUR_S, -HOUR_S, DAY_S, -DAY_S, 150 * DAY_S, -150 * DAY_S)


class Row(NamedTuple):
    """One moment, as it is written."""

    seconds: int
    transmitted_at: str
    rrn_head: str
    day: str


def table() -> list[Row]:
    with TABLE.open(newline="", encoding="ascii") as file:
        lines = csv.reader(line for line in file if not line.startswith("#"))
        return [Row(int(seconds), *rest) for seconds, *rest in lines]


def test_p19_there_are_four_hundred_moments_and_the_hard_ones_among_them() -> None:
    rows = table()
    assert len(rows) == 400
    texts = {row.transmitted_at for row in rows}
    assert {"1231235959", "0101000000", "0228235959", "0229120000", "0301000000", "0119031408"} <= texts
    assert any(row.seconds == 2**31 for row in rows)


@pytest.mark.parametrize("off_s", CLOCKS_OFF_S)
def test_p19_every_moment_is_read_as_the_table_says(off_s: int) -> None:
    wrong = [row for row in table() if nearest(row.transmitted_at, float(row.seconds + off_s)) != row.seconds]
    assert wrong == []


def test_p19_every_moment_is_written_as_the_table_says() -> None:
    for row in table():
        moment = Instant(0.0, float(row.seconds))
        written = (moment.transmitted_at(), moment.rrn(7)[:6], business_date(moment.wall).isoformat())
        assert written == (row.transmitted_at, row.rrn_head, row.day)
