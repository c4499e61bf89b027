"""The charts as PNG files, for slides and tickets: the same figures as on the page, drawn by matplotlib.

Pure: a result in, bytes out, one picture a name. Imported only when pictures are asked for, because
matplotlib takes a second to load.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loadtest.report import verdict
from loadtest.result import Clock, Result
from loadtest.series import Series, heat_floor_us

DPI: Final = 110
SIZE_INCHES: Final = (9.0, 3.6)
STYLES: Final = ("-", "--", ":", "-.")
INK, BAD = "#1c2127", "#b3201d"
COLOURS: Final = ("#1b5fa8", "#c2560a", "#2b8a5b", "#8b3fa0", "#a08400", "#c2326e", "#5b6570", "#0f8a9d")
HATCHES: Final = ("///", "\\\\\\", "---", "|||", "xxx", "+++", "...", "ooo")

Draw = Callable[[Any, Series], None]


def pictures(result: Result) -> dict[str, bytes]:
    """Name -> PNG. Every picture says in its corner whether the run may be believed."""
    series = Series(result)
    return {name: _png(name, title, draw, series) for name, (title, draw) in PICTURES.items()}


def _png(name: str, title: str, draw: Draw, series: Series) -> bytes:
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    word, tone = verdict(series.result)
    axes.set_title(
        f"{series.result.meta.scenario}: {word}", loc="right", fontsize=9, color=BAD if tone == "bad" else INK
    )
    axes.grid(color="#e3e6e8", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes, series)
    if name != "percentiles":
        axes.set_xlabel("seconds since the start of the plan", fontsize=9)
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()


def _percentiles(axes: Any, series: Series) -> None:
    for number, clock in enumerate(Clock):
        curve = [(share, us) for share, us in series.curve(clock) if share < 100]
        if curve:
            odds, values = [100 / (100 - share) for share, _ in curve], [max(us, 1) / 1000 for _, us in curve]
            axes.plot(odds, values, STYLES[number], color=COLOURS[number], label=clock.value)
            if clock is Clock.RESPONSE:
                axes.set_xticks(odds, [f"p{share:g}" for share, _ in curve], fontsize=8)
    if axes.lines:
        axes.set_xscale("log")
        axes.set_xticks([100 / (100 - share) for share, _ in series.curve(Clock.RESPONSE) if share < 100] or [1])
        axes.set_xticklabels([f"p{share:g}" for share, _ in series.curve(Clock.RESPONSE) if share < 100] or [""])
        axes.minorticks_off()
        axes.set_yscale("log")
        axes.legend(frameon=False, fontsize=9)
    axes.set_ylabel("ms", fontsize=9)


def _heat_map(axes: Any, series: Series) -> None:
    rows = sorted({row for column in series.heat for row in column})
    if not rows:
        return
    low, high = rows[0], rows[-1] + 1
    grid = [[column.get(row, 0) or float("nan") for column in series.heat] for row in range(low, high)]
    edges_x = [*(float(start) for start in series.starts), float(series.seconds)]
    edges_y = [heat_floor_us(row) / 1000 for row in range(low, high + 1)]
    axes.pcolormesh(edges_x, edges_y, grid, cmap="Blues", norm="log")
    axes.set_yscale("log")
    axes.set_ylabel("response time, ms", fontsize=9)


def _rate(axes: Any, series: Series) -> None:
    axes.plot(_middles(series), series.offered, STYLES[1], color=COLOURS[1], label="offered/s")
    axes.plot(_middles(series), series.achieved, STYLES[0], color=COLOURS[0], label="achieved/s")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)


def _codes(axes: Any, series: Series) -> None:
    if not series.outcomes:
        return
    names = list(series.outcomes)[: len(COLOURS)]
    bands = axes.stackplot(_middles(series), *(series.outcomes[name] for name in names), labels=names, alpha=0.55)
    for number, band in enumerate(bands):
        band.set(facecolor=COLOURS[number], hatch=HATCHES[number], edgecolor=COLOURS[number])
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set_ylabel("per second", fontsize=9)


def _lateness(axes: Any, series: Series) -> None:
    told = [(middle, one) for middle, one in zip(_middles(series), series.lateness, strict=True) if one.total]
    for number, share in enumerate((50, 99, 100)):
        axes.plot(
            [middle for middle, _ in told],
            [max(one.percentile(share), 1) / 1000 for _, one in told],
            STYLES[number],
            color=COLOURS[number],
            label="highest" if share == 100 else f"p{share}",
        )
    axes.axhline(1.0, color=BAD, linewidth=0.8, linestyle=(0, (2, 3)))
    axes.set_yscale("log")
    axes.set_ylabel("ms", fontsize=9)
    axes.legend(frameon=False, fontsize=9)


def _in_flight(axes: Any, series: Series) -> None:
    axes.fill_between(_middles(series), series.in_flight, color=COLOURS[0], alpha=0.3, hatch="///")
    axes.plot(_middles(series), series.in_flight, color=COLOURS[0])
    axes.set_ylim(bottom=0)


def _middles(series: Series) -> list[float]:
    return [start + series.width / 2 for start in series.starts]


PICTURES: Final[Mapping[str, tuple[str, Draw]]] = {
    "percentiles": ("Percentile curve", _percentiles),
    "heat_map": ("Response time over time", _heat_map),
    "rate": ("Offered against achieved", _rate),
    "codes": ("Response codes (DE 39)", _codes),
    "in_flight": ("In flight", _in_flight),
    "lateness": ("Lateness of the generator", _lateness),
}
