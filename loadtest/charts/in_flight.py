"""Messages in flight: sent, and not answered yet."""

from loadtest.chart import Chart, Drawn
from loadtest.series import Series
from loadtest.svg import Plot, clock_ticks, round_steps
from loadtest.words import number_of


def _draw(series: Series) -> Drawn:
    marks = round_steps(max(*series.in_flight, 0), about=4)
    plot = Plot.sized("In flight", (0, series.seconds), (0, marks[-1]), height=220, rows=series.count)
    plot.shade(0, series.result.meta.warm_up_s, "warm-up")
    plot.x_axis(clock_ticks(series.seconds), "time since the start of the plan")
    plot.y_axis([(mark, number_of(mark)) for mark in marks])
    middles = [start + series.width / 2 for start in series.starts]
    points = list(zip(middles, series.in_flight, strict=True))
    plot.area(points, [(middle, 0.0) for middle in middles], 1)
    plot.line(points, 1)
    rows = [(f"{start} s", number_of(most)) for start, most in zip(series.starts, series.in_flight, strict=True)]
    return Drawn(plot.text(), ("from", "most in flight"), rows)


CHART = Chart(
    "in_flight",
    50,
    "In flight",
    "The most messages under way at once, all links together. What rises and does not fall again is a queue.",
    _draw,
)
