"""The knee as a chart: response time and outcome by rate, out of the probes of a search. Pure; one offline page."""

from __future__ import annotations

from html import escape

from loadtest.search import Limit, Purpose, Step
from loadtest.svg import Plot, decades, round_steps
from loadtest.words import number_of, time_of

STYLE = """:root{color-scheme:light dark;--ink:#1c2127;--soft:#5b6570;--grid:#ebedef;--c1:#1b5fa8;--c2:#b3201d}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa4ae;--grid:#282d32;--c1:#6fb1f2;--c2:#ff7b73}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:1000px;margin:32px auto;padding:0 24px}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}.grid{stroke:var(--grid)}.tick,.axis{fill:var(--soft)}
.line{fill:none;stroke-width:2}.s1{stroke:var(--c1)}.f1,.t1{fill:var(--c1)}.s2{stroke:var(--c2);fill:none;stroke-width:2}
.f2,.t2{fill:var(--c2)}.pointer{display:none}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:4px 16px 4px 0;text-align:right}td:last-child,th:last-child{text-align:left}th{color:var(--soft)}"""


def knee_page(limit: Limit, scenario: str) -> str:
    """The page: the sentence, the chart, every probe."""
    rows = "".join(_row(step) for step in limit.steps if step.probe.purpose is not Purpose.RECOVER)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(scenario)}: the limit</title>'
        f"<style>{STYLE}</style><h1>{escape(scenario)}: the limit</h1><p><strong>{escape(limit.sentence)}</strong></p>"
        f"{knee(limit)}<p>Filled: the rate passed. Hollow: it did not. The line is p99 of the response time.</p>"
        "<table><tr><th>probe</th><th>offered/s</th><th>achieved/s</th><th>p50</th><th>p99</th><th>passed</th></tr>"
        f"{rows}</table></html>\n"
    )


def knee(limit: Limit) -> str:
    """The picture alone; empty where nothing was probed."""
    steps = sorted(
        (step for step in limit.steps if step.probe.purpose is not Purpose.RECOVER and step.heard.p99_us),
        key=lambda step: step.probe.rate,
    )
    if not steps:
        return ""
    across = round_steps(steps[-1].probe.rate * 1.05)
    marks = decades(min(step.heard.p99_us for step in steps), max(step.heard.p99_us for step in steps))
    plot = Plot.sized("p99 by rate", (0, across[-1]), (marks[0], marks[-1]), log_y=True)
    plot.x_axis([(rate, number_of(rate)) for rate in across], "offered/s")
    plot.y_axis([(mark, time_of(mark)) for mark in marks])
    plot.line([(step.probe.rate, step.heard.p99_us) for step in steps], 1)
    for step in steps:
        plot.dot(step.probe.rate, step.heard.p99_us, 1 if step.heard.passed else 2, hollow=not step.heard.passed)
    return plot.text()


def _row(step: Step) -> str:
    probe, heard = step.probe, step.heard
    cells = (
        probe.purpose.value,
        number_of(round(probe.rate, 1)),
        number_of(round(heard.achieved, 1)),
        time_of(heard.p50_us),
        time_of(heard.p99_us),
        "✓" if heard.passed else f"✗ {', '.join(heard.why) or 'the generator was the bottleneck'}",
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
