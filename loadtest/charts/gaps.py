"""Gaps: when a link was not up."""

from loadtest.chart import Chart, Drawn
from loadtest.series import Series
from loadtest.svg import BOTTOM, TOP, Plot, clock_ticks
from loadtest.words import number_of

LINKS_MOST = 16  # rows; of more links those with the longest gaps are shown


def _draw(series: Series) -> Drawn:
    columns = ("link", "from", "away")
    if not series.gaps:
        return Drawn("", columns, (), "None: every link was up from its first sign-on to the end.")
    longest = sorted(series.gaps, key=lambda link: -sum(series.gaps[link]))[:LINKS_MOST]
    links = sorted(longest)
    height = TOP + BOTTOM + 22 * len(links)
    plot = Plot.sized("Gaps", (0, series.seconds), (0, len(links)), height=height)
    plot.x_axis(clock_ticks(series.seconds), "time since the start of the plan")
    for row, link in enumerate(reversed(links)):
        plot.y_axis([(row + 0.5, f"link {link}")])
        for start, share in zip(series.starts, series.gaps[link], strict=True):
            if share > 0:
                plot.cells([(start, start + series.width, row + 0.15, row + 0.85)], max(1, round(8 * share)))
    rows = [
        (str(link), f"{start} s", f"{number_of(round(1000 * share * series.width))} ms")
        for link in links
        for start, share in zip(series.starts, series.gaps[link], strict=True)
        if share > 0
    ]
    return Drawn(plot.text(), columns, rows)


CHART = Chart(
    "gaps",
    70,
    "Gaps",
    "When a link was away: the darker, the more of that stretch. Messages planned meanwhile were not sent, and count.",
    _draw,
)
