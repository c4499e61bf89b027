"""Drawing in SVG, as little of it as the charts need: a plot with axes, lines, areas, cells, marks.

Pure, text out. Colours are names of the page's style sheet (`c1` to `c8`), so a chart follows light and dark;
each line has a dash and each area a hatching of its own besides, so nothing is said by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10
from typing import Final

WIDTH, HEIGHT = 960, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 14, 40
DASHES: Final = ("", "7 4", "2 4", "10 3 2 3", "1 3", "14 4", "5 2 1 2", "3 6")
LABEL_APART: Final = 14  # pixels between two labels at the end of lines


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to pixels, straight or by logarithm."""

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value is; what lies beyond is put on the edge."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, value = log10(low), log10(high), log10(value)
        return self.begin + (value - low) / ((high - low) or 1) * (self.end - self.begin)


def decades(low: float, high: float) -> list[float]:
    """Powers of ten that take in both values.

    >>> decades(300, 20_000)
    [100.0, 1000.0, 10000.0, 100000.0]
    """
    first, last = floor(log10(max(low, 1e-9))), ceil(log10(max(high, 1e-9)))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def round_steps(high: float, about: int = 5) -> list[float]:
    """From nought in round steps to at least `high`.

    >>> round_steps(430), round_steps(0)
    ([0, 100, 200, 300, 400, 500], [0, 1])
    """
    if high <= 0:
        return [0, 1]
    rough = high / about
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    step = int(step) if step >= 1 else step
    return [number * step for number in range(ceil(high / step - 1e-9) + 1)]


@dataclass
class Plot:
    """One picture that grows by calls; `text()` ends it."""

    x: Scale
    y: Scale
    name: str  # what it shows, for whoever cannot see it
    height: int = HEIGHT
    right: int = RIGHT
    rows: int = 0  # of the table beside it, evenly spread over the width: the page's script points at them
    _parts: list[str] = field(default_factory=list)
    _labels: list[tuple[float, str, int]] = field(default_factory=list)

    @classmethod
    def sized(
        cls,
        name: str,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        log_x: bool = False,
        log_y: bool = False,
        height: int = HEIGHT,
        right: int = RIGHT,
        rows: int = 0,
    ) -> Plot:
        """A plot for values between these bounds."""
        across = Scale(*x, LEFT, WIDTH - right, log_x)
        return cls(across, Scale(*y, height - BOTTOM, TOP, log_y), name, height, right, rows)

    # --- axes

    def x_axis(self, ticks: Iterable[tuple[float, str]], title: str) -> None:
        bottom = self.height - BOTTOM
        for value, text in ticks:
            at = self.x.at(value)
            self._parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{bottom}"/>')
            self._text(at, bottom + 16, text, "middle", "tick")
        self._text((LEFT + WIDTH - self.right) / 2, self.height - 5, title, "middle", "axis")

    def y_axis(self, ticks: Iterable[tuple[float, str]]) -> None:
        for value, text in ticks:
            at = self.y.at(value)
            self._parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - self.right}"/>')
            self._text(LEFT - 8, at + 4, text, "end", "tick")

    def shade(self, begin: float, end: float, text: str) -> None:
        """A stretch that does not count, with a word."""
        left, right = self.x.at(begin), self.x.at(end)
        if right - left < 1:
            return
        size = f'width="{right - left:.1f}" height="{self.height - BOTTOM - TOP}"'
        self._parts.append(f'<rect class="shade" x="{left:.1f}" y="{TOP}" {size}/>')
        if right - left > 50:
            self._text((left + right) / 2, TOP + 14, text, "middle", "tick")

    # --- marks

    def line(self, points: Sequence[tuple[float, float]], colour: int, label: str = "", *, thin: bool = False) -> None:
        """A line through the points, with its name at its end."""
        if not points:
            return
        path = "M" + "L".join(f"{self.x.at(x):.1f} {self.y.at(y):.1f}" for x, y in points)
        dash = f' stroke-dasharray="{DASHES[(colour - 1) % len(DASHES)]}"' if colour > 1 else ""
        self._parts.append(f'<path class="line s{colour}{" thin" if thin else ""}"{dash} d="{path}"/>')
        if len(points) == 1:
            self.dot(*points[0], colour)
        if label:
            self._labels.append((self.y.at(points[-1][1]), label, colour))

    def label(self, value: float, text: str, colour: int) -> None:
        """A name at the right end, at the height of a value."""
        self._labels.append((self.y.at(value), text, colour))

    def dot(self, x: float, y: float, colour: int, *, hollow: bool = False) -> None:
        kind = f"dot s{colour}" if hollow else f"dot f{colour}"
        self._parts.append(f'<circle class="{kind}" cx="{self.x.at(x):.1f}" cy="{self.y.at(y):.1f}" r="4"/>')

    def area(self, upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]], colour: int) -> None:
        """What lies between two lines, filled and hatched."""
        corners = [*upper, *reversed(lower)]
        path = "M" + "L".join(f"{self.x.at(x):.1f} {self.y.at(y):.1f}" for x, y in corners) + "Z"
        self._parts.append(f'<path class="area f{colour}" d="{path}"/>')
        self._parts.append(f'<path fill="url(#h{colour})" d="{path}"/>')

    def cells(self, boxes: Iterable[tuple[float, float, float, float]], level: int) -> None:
        """Boxes (x from, x to, y from, y to) of one level of heat, 1 to 8, as one path."""
        drawn = []
        for x_from, x_to, y_from, y_to in boxes:
            left, top = self.x.at(x_from), self.y.at(y_to)
            wide, high = self.x.at(x_to) - left, self.y.at(y_from) - top
            drawn.append(f"M{left:.1f} {top:.1f}h{wide:.1f}v{high:.1f}h-{wide:.1f}z")
        if drawn:
            self._parts.append(f'<path class="heat{level}" d="{"".join(drawn)}"/>')

    def limit(self, value: float, text: str) -> None:
        """A line that is not to be crossed."""
        at = self.y.at(value)
        self._parts.append(f'<path class="limit" d="M{LEFT} {at:.1f}H{WIDTH - self.right}"/>')
        self._text(LEFT + 6, at - 5, text, "start", "tick")

    def note(self, x: float, y: float, text: str, anchor: str = "start") -> None:
        self._text(self.x.at(x), self.y.at(y), text, anchor, "tick")

    # --- the end

    def text(self) -> str:
        """The picture as an element of a page."""
        self._name_lines()
        plot = f"{LEFT},{WIDTH - self.right},{TOP},{self.height - BOTTOM}"
        head = f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(self.name)}"'
        pointer = '<path class="pointer" d=""/>'
        return f'{head} data-plot="{plot}" data-rows="{self.rows}">{"".join(self._parts)}{pointer}</svg>'

    def _name_lines(self) -> None:
        """Names at the right end, pushed apart where lines end close together, and up again where that is too low."""
        labels = sorted(self._labels, key=lambda label: (label[0], -label[2]))
        places: list[float] = []
        for at, _, _ in labels:
            places.append(max(at + 4, places[-1] + LABEL_APART if places else TOP))
        lowest = float(self.height - BOTTOM + 4)
        for number in reversed(range(len(places))):
            places[number] = min(places[number], lowest)
            lowest = places[number] - LABEL_APART
        for place, (_, label, colour) in zip(places, labels, strict=True):
            self._text(WIDTH - self.right + 6, place, label, "start", f"name t{colour}")

    def _text(self, x: float, y: float, text: str, anchor: str, style: str) -> None:
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self._parts.append(f'<text class="{style}" {place}>{escape(text)}</text>')


def clock_ticks(seconds: int) -> list[tuple[float, str]]:
    """Moments of a run: about ten of them, on round numbers.

    >>> clock_ticks(60)[:3], clock_ticks(600)[1]
    ([(0, '0 s'), (10, '10 s'), (20, '20 s')], (60, '1 min'))
    """
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((one for one in steps if seconds / one <= 10), steps[-1])
    return [(at, _moment(at, step)) for at in range(0, seconds + 1, step)]


def _moment(at: int, step: int) -> str:
    if step >= 3600:
        return f"{at // 3600} h"
    if step >= 60:
        return f"{at // 60} min"
    if at % 60 == 0 and at:
        return f"{at // 60} min"
    return f"{at} s" if at < 60 else f"{at // 60}:{at % 60:02d}"
