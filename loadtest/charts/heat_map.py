"""Response time over time as a heat map: the darker a cell, the more messages took so long in that stretch."""

from collections import defaultdict
from math import ceil, log2

from loadtest.chart import Chart, Drawn
from loadtest.series import Series, heat_floor_us, heat_row
from loadtest.svg import Plot, clock_ticks
from loadtest.words import number_of, time_of

LEVELS = 8


def _draw(series: Series) -> Drawn:
    columns = ("from", "answers", "p50", "p90", "p99", "highest")
    used = [row for column in series.heat for row in column]
    if not used:
        return Drawn("", columns, (), "Nothing was answered, so there is nothing to see.")
    low, high = max(min(used) - 1, 0), max(used) + 2
    low_us, high_us = heat_floor_us(low), heat_floor_us(high)
    plot = Plot.sized(
        "Response time over time", (0, series.seconds), (low_us, high_us), log_y=True, rows=series.count, height=320
    )
    most = max(times for column in series.heat for times in column.values())
    for level, boxes in sorted(_boxes(series, most).items()):
        plot.cells(boxes, level)
    plot.x_axis(clock_ticks(series.seconds), "time since the start of the plan")
    plot.y_axis([(us, time_of(us)) for us in _marks(low_us, high_us)])
    p99 = [
        (start + series.width / 2, float(histogram.percentile(99)))
        for start, histogram in zip(series.starts, series.response, strict=True)
        if histogram.total
    ]
    plot.line(p99, 1, thin=True)
    rows = [
        (
            f"{start} s",
            number_of(histogram.total),
            *(time_of(histogram.percentile(share)) for share in (50, 90, 99)),
            time_of(histogram.highest_us),
        )
        for start, histogram in zip(series.starts, series.response, strict=True)
    ]
    return Drawn(plot.text(), columns, rows)


def _boxes(series: Series, most: int) -> dict[int, list[tuple[float, float, float, float]]]:
    """Boxes by level; neighbours in a column of one level are one box."""
    boxes: dict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
    for start, column in zip(series.starts, series.heat, strict=True):
        end = min(start + series.width, series.seconds)
        for row, times in sorted(column.items()):
            bottom = heat_floor_us(row)
            level = _level(times, most)
            before = boxes[level][-1] if boxes[level] else None
            if before is not None and before[0] == start and abs(before[3] / bottom - 1) < 1e-6:
                boxes[level][-1] = (*before[:3], heat_floor_us(row + 1))
            else:
                boxes[level].append((start, end, bottom, heat_floor_us(row + 1)))
    return boxes


def _level(times: int, most: int) -> int:
    """1 to 8, by logarithm: a single slow message is to be seen beside thousands of quick ones.

    >>> _level(1, 1000), _level(1000, 1000), _level(1, 1)
    (1, 8, 8)
    """
    return LEVELS if most <= 1 else max(1, ceil(LEVELS * log2(times + 1) / log2(most + 1)))


def _marks(low: float, high: float) -> list[float]:
    decades = [heat_floor_us(row) for row in range(heat_row(int(low)), heat_row(int(high)) + 1) if row % 8 == 0]
    return [mark for mark in decades if low <= mark <= high] or [low, high]


CHART = Chart(
    "heat_map",
    20,
    "Response time over time",
    "Each column is a stretch of time, each row a span of response times; the darker, the more messages. The line is"
    " p99. A host that stops for a moment shows as a slope that falls back to normal.",
    _draw,
)
