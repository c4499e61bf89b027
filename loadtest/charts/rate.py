"""Offered against achieved: what the plan asked for, and what came back."""

from loadtest.chart import Chart, Drawn
from loadtest.series import Series
from loadtest.svg import Plot, clock_ticks, round_steps
from loadtest.words import number_of

ROOM_FOR_NAMES = 84


def _draw(series: Series) -> Drawn:
    marks = round_steps(1.05 * max(*series.offered, *series.achieved, 0))  # a line on the upper edge is not seen
    plot = Plot.sized(
        "Offered against achieved", (0, series.seconds), (0, marks[-1]), right=ROOM_FOR_NAMES, rows=series.count
    )
    plot.shade(0, series.result.meta.warm_up_s, "warm-up")
    plot.x_axis(clock_ticks(series.seconds), "time since the start of the plan")
    plot.y_axis([(mark, number_of(mark)) for mark in marks])
    middles = [start + series.width / 2 for start in series.starts]
    plot.line(list(zip(middles, series.offered, strict=True)), 2, "offered/s")
    plot.line(list(zip(middles, series.achieved, strict=True)), 1, "achieved/s")
    rows = [
        (f"{start} s", number_of(round(offered, 1)), number_of(round(achieved, 1)))
        for start, offered, achieved in zip(series.starts, series.offered, series.achieved, strict=True)
    ]
    return Drawn(plot.text(), ("from", "offered/s", "achieved/s"), rows)


CHART = Chart(
    "rate",
    30,
    "Offered against achieved",
    "Offered is what the plan wanted sent in that second; achieved is the answers that came back in it. A gap that"
    " stays open is a backlog.",
    _draw,
)
