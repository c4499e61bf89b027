"""The charts, one file each; the report shows them all, in the order of their numbers."""

from __future__ import annotations

from typing import Final

from loadtest.chart import Chart
from protocols.catalog import declared

CHARTS: Final[tuple[Chart, ...]] = tuple(sorted(declared(__name__, "CHART"), key=lambda chart: chart.order))
