"""The percentile curve: how long the slowest in a hundred, a thousand, a hundred thousand waited."""

from loadtest.chart import Chart, Drawn
from loadtest.result import Clock
from loadtest.series import SHARES, Series
from loadtest.svg import Plot, decades
from loadtest.words import NONE, time_of

NAMES = {Clock.RESPONSE: "response", Clock.SERVICE: "service", Clock.LATENESS: "lateness"}
ROOM_FOR_NAMES = 84


def _draw(series: Series) -> Drawn:
    curves = {clock: series.curve(clock) for clock in NAMES}
    columns = ("percentile", "one in", *NAMES.values())
    values = [us for curve in curves.values() for _, us in curve if us > 0]
    if not values:
        return Drawn("", columns, (), "Nothing was answered in the measured part, so there is no curve.")
    odds = [_odds(share) for curve in curves.values() for share, _ in curve if share < 100]
    if not odds:
        return Drawn("", columns, _rows(curves), "Too few were answered for a curve.")
    most = max(odds)
    marks = decades(max(min(values), 10), max(values))
    plot = Plot.sized(
        "Percentile curve", (1, most * 2), (marks[0], marks[-1]), log_x=True, log_y=True, right=ROOM_FOR_NAMES
    )
    plot.x_axis([(_odds(share), f"p{share:g}") for share in SHARES if _odds(share) <= most], "percentile (log axis)")
    plot.y_axis([(mark, time_of(mark)) for mark in marks])
    for colour, (clock, curve) in enumerate(curves.items(), 1):
        points = [(most * 2 if share == 100 else _odds(share), us) for share, us in curve]
        plot.line([(x, max(us, marks[0])) for x, us in points], colour, NAMES[clock])
    return Drawn(plot.text(), columns, _rows(curves))


def _odds(share: float) -> float:
    """p99 is one in a hundred: the place on the axis.

    >>> round(_odds(99.9))
    1000
    """
    return 100 / (100 - share)


def _rows(curves: dict[Clock, list[tuple[float, int]]]) -> list[tuple[str, ...]]:
    tables = [dict(curve) for curve in curves.values()]
    shares = sorted({share for table in tables for share in table})
    return [
        (
            "highest" if share == 100 else f"p{share:g}",
            NONE if share == 100 else f"{_odds(share):,.0f}",
            *(time_of(table.get(share)) for table in tables),
        )
        for share in shares
    ]


CHART = Chart(
    "percentiles",
    10,
    "Percentile curve",
    "Read: at p99, one message in a hundred took longer than this. Where response rises far above service, messages"
    " were waiting for their turn and not for the host.",
    _draw,
)
