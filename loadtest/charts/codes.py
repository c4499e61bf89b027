"""DE 39, stacked: what was said, second by second, and what got no answer."""

from loadtest.chart import Chart, Drawn
from loadtest.series import NOT_SENT, UNANSWERED, Series
from loadtest.svg import Plot, clock_ticks, round_steps
from loadtest.words import number_of, title_of

ROOM_FOR_NAMES = 84
AT_MOST = 7  # bands that an eye can tell apart; the rest is one band
OTHERS = "others"


def _draw(series: Series) -> Drawn:
    bands = _bands(series.outcomes)
    if not bands:
        return Drawn("", ("from",), (), "Nothing was sent.")
    totals = [sum(values) for values in zip(*bands.values(), strict=True)]
    marks = round_steps(max(totals))
    plot = Plot.sized(
        "Response codes (DE 39)", (0, series.seconds), (0, marks[-1]), right=ROOM_FOR_NAMES, rows=series.count
    )
    middles = [start + series.width / 2 for start in series.starts]
    floor = [0.0] * series.count
    for number, (name, values) in enumerate(bands.items(), 1):
        roof = [low + value for low, value in zip(floor, values, strict=True)]
        below, above = list(zip(middles, floor, strict=True)), list(zip(middles, roof, strict=True))
        plot.area(above, below, number)
        plot.line(above, 1, thin=True)
        plot.label((floor[-1] + roof[-1]) / 2, name, number)
        floor = roof
    plot.x_axis(clock_ticks(series.seconds), "time since the start of the plan")
    plot.y_axis([(mark, number_of(mark)) for mark in marks])
    rows = [
        (f"{start} s", *(number_of(round(values[at], 1)) for values in bands.values()))
        for at, start in enumerate(series.starts)
    ]
    return Drawn(plot.text(), ("from", *(_titled(name) for name in bands)), rows)


def _bands(outcomes: dict[str, list[float]]) -> dict[str, list[float]]:
    """The commonest by themselves, the others as one; what got no answer is never among the others.

    >>> list(_bands({str(code): [1.0] for code in range(9)}))
    ['0', '1', '2', '3', '4', '5', 'others']
    """
    kept = [name for name in outcomes if name in (UNANSWERED, NOT_SENT)]
    codes = [name for name in outcomes if name not in kept]
    room = AT_MOST - len(kept)
    if len(codes) > room:
        first, rest = codes[: room - 1], codes[room - 1 :]
        others = [sum(values) for values in zip(*(outcomes[name] for name in rest), strict=True)]
        return {**{name: outcomes[name] for name in first}, OTHERS: others, **{name: outcomes[name] for name in kept}}
    return {name: outcomes[name] for name in (*codes, *kept)}


def _titled(name: str) -> str:
    title = title_of(name)
    return f"{name} {title}".strip() + "/s"


CHART = Chart(
    "codes",
    40,
    "Response codes (DE 39)",
    "What became of the messages planned for each second. A host that answers 91 quickly looks fast; here it shows.",
    _draw,
)
