"""Lateness: how long after its planned instant each message was written. Our own share, not the host's."""

from loadtest.chart import Chart, Drawn
from loadtest.series import Series
from loadtest.svg import Plot, clock_ticks, decades
from loadtest.words import time_of

LIMIT_US = 1000  # p99 above this in the measured part makes a run invalid


def _draw(series: Series) -> Drawn:
    columns = ("from", "p50", "p99", "highest")
    drawn = [(start, one) for start, one in zip(series.starts, series.lateness, strict=True) if one.total]
    if not drawn:
        return Drawn("", columns, (), "Nothing was sent.")
    marks = decades(10, max(LIMIT_US + 1, *(one.highest_us for _, one in drawn)))
    plot = Plot.sized(
        "Lateness", (0, series.seconds), (marks[0], marks[-1]), log_y=True, height=240, right=84, rows=series.count
    )
    plot.shade(0, series.result.meta.warm_up_s, "warm-up")
    plot.x_axis(clock_ticks(series.seconds), "time since the start of the plan")
    plot.y_axis([(mark, time_of(mark)) for mark in marks])
    plot.limit(LIMIT_US, "p99 above 1 ms over the measured part: invalid")
    for colour, (name, share) in enumerate((("p50", 50), ("p99", 99), ("highest", 100)), 1):
        points = [(start + series.width / 2, max(float(one.percentile(share)), marks[0])) for start, one in drawn]
        plot.line(points, colour, name)
    rows = [
        (f"{start} s", time_of(one.percentile(50)), time_of(one.percentile(99)), time_of(one.highest_us))
        for start, one in zip(series.starts, series.lateness, strict=True)
    ]
    return Drawn(plot.text(), columns, rows)


CHART = Chart(
    "lateness",
    60,
    "Lateness of the generator",
    "How long after its planned instant a message was written: the tester's own share of the response time. It is"
    " small, or the result is not about the host.",
    _draw,
)
