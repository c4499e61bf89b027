"""A chart of the report: a sentence, a picture, and the same figures as a table. One file each in `charts/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtest.series import Series


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture and its table. No picture: there was nothing to draw, and the sentence says why."""

    svg: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    says: str = ""  # instead of the chart's own sentence


@dataclass(frozen=True, slots=True)
class Chart:
    """A kind of chart. Lower `order` comes first."""

    name: str
    order: int
    title: str
    says: str  # how to read it
    draw: Callable[[Series], Drawn]
