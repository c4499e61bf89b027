"""The report of a run: one HTML page that needs no network, and says first whether the run may be believed.

Pure: a result in, the page's text out. What is drawn stands in `charts/`, how the page looks in `report.html.jinja`.
Nothing of a card is in a result but its token, so nothing of a card can be on the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined, Template

from loadtest.chart import Chart, Drawn
from loadtest.charts import CHARTS
from loadtest.histogram import Histogram
from loadtest.result import WHOLE, Clock, Exit, Result
from loadtest.series import Series
from loadtest.words import currency_named, is_good, measured_as, minor_of, number_of, share_of, time_of, title_of

TEMPLATE: Final = "report.html.jinja"
KEYS_SHOWN: Final = 100

#: How the run ended -> the word, and whether it is good news.
VERDICTS: Final[dict[Exit, tuple[str, str]]] = {
    Exit.PASSED: ("Passed", "good"),
    Exit.INVALID: ("INVALID", "bad"),
    Exit.AUDIT_FAILED: ("Audit failed", "bad"),
    Exit.THRESHOLD: ("Threshold breached", "bad"),
    Exit.UNREACHABLE: ("Target unreachable", "bad"),
    Exit.INTERRUPTED: ("Interrupted: partial", "fair"),
}
FINDING_WORDS: Final = {
    "lost": "no answer, and no accepted reversal",
    "doubled": "a second, different answer",
    "altered": "an element came back changed",
    "contradictory": "timed out, approved late, not reversed",
    "late": "answered after its deadline; a count, no failure",
    "unexpected": "DE 39 is not what the card's entry foretells; a count, no failure",
    "not_conserved": "the target's totals differ from ours",
}
TWO_CLOCKS: Final = (
    "Response time runs from the instant at which the plan wanted the message sent, service time from the instant at"
    " which it was sent: the difference is the time that messages waited for their turn, and customers wait for both."
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the top of the page."""

    name: str
    value: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a heading. `marked`: rows that want looking at."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: frozenset[int] = frozenset()


def report_page(result: Result) -> str:
    """The whole page."""
    series = Series(result)
    word, tone = verdict(result)
    return _template().render(
        meta=result.meta,
        word=word,
        tone=tone,
        because=list(why(result)),
        warnings=result.validity.warnings,
        tiles=list(tiles(result)),
        remarks=list(remarks(result)),
        two_clocks=TWO_CLOCKS,
        charts=[(chart, chart.draw(series)) for chart in CHARTS],
        width=series.width,
        thresholds=thresholds(result),
        flows=flows(result),
        codes=codes(result),
        findings=findings(result),
        keys=list(keys(result)),
        books=books(result),
        injected=sorted(result.audit.injected.items()),
        explanations=result.explanations,
        facts=list(facts(result)),
        audit_failed=result.audit.failed,
    )


def drawn(result: Result) -> list[tuple[Chart, Drawn]]:
    """Every chart of a result."""
    series = Series(result)
    return [(chart, chart.draw(series)) for chart in CHARTS]


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("loadtest").joinpath(TEMPLATE).read_text(encoding="utf-8"))


# --- the verdict


def verdict(result: Result) -> tuple[str, str]:
    """The word in the banner, and `good`, `fair` or `bad`. What cannot be believed comes before what it says."""
    exits = result.exits()
    if Exit.INVALID in exits:
        partial = result.validity.valid
        return ("PARTIAL (a worker was lost)" if partial else "INVALID (generator-bound)"), "bad"
    return VERDICTS.get(result.exit_code, (result.exit_code.name, "bad"))


def why(result: Result) -> Iterator[str]:
    """Every reason for the verdict, the gravest first."""
    meta = result.meta
    if meta.unreachable:
        yield meta.unreachable
    yield from result.validity.reasons
    for worker, share in meta.lost_workers.items():
        yield f"worker {worker} was lost, and with it {share:.0%} of the plan"
    for one in result.audit.findings:
        if one.count and one.fails:
            yield f"{number_of(one.count)} {one.name.replace('_', ' ')}: {FINDING_WORDS.get(one.name, '')}"
    if meta.aborted:
        yield f"stopped early: {meta.aborted}"
    for held in result.thresholds:
        if not held.held:
            yield f"threshold: {held.text}, measured {measured_as(held.text, held.value)}"
    if meta.interrupted:
        yield "the run was interrupted; everything here is about the part before"


def remarks(result: Result) -> Iterator[str]:
    """What the reader should know before the figures; the run's own words first."""
    yield from result.remarks
    rates, response = result.rates(), result.histogram(Clock.RESPONSE)
    behind = rates["offered"] - rates["achieved"]
    if response.total and rates["offered"] and behind / rates["offered"] > 0.01 and not result.remarks:
        yield (
            f"Offered {number_of(rates['offered'])}/s, achieved {number_of(rates['achieved'])}/s: a backlog grew, and"
            " response time is mostly waiting."
        )
    if result.meta.mode == "closed":
        yield "A closed loop: it asks less when the host is slow, so its percentiles hide stalls."


# --- figures


def tiles(result: Result) -> Iterator[Tile]:
    """The figures that everybody asks for."""
    rates, total = result.rates(), result.total()
    response, service = result.histogram(Clock.RESPONSE), result.histogram(Clock.SERVICE)
    approved = sum(result.total(code=code).answered for code in result.codes() if is_good(code))
    lost = result.audit.finding("lost").count
    yield Tile("achieved", f"{number_of(rates['achieved'])}/s", f"of {number_of(rates['offered'])}/s offered")
    yield Tile("response p50", _told(response, 50), f"service {_told(service, 50)}")
    yield Tile("response p99", _told(response, 99), f"service {_told(service, 99)}")
    yield Tile("response p99.9", _told(response, 99.9), f"highest {_told(response, 100)}")
    yield Tile("approved", share_of(approved, total.answered), f"of {number_of(total.answered)} answers")
    yield Tile("timed out", share_of(total.timed_out, total.sent), f"{number_of(total.timed_out)} of the sent")
    yield Tile("not sent", share_of(total.not_sent, total.offered), f"{number_of(total.not_sent)} of the offered")
    yield Tile("lost", number_of(lost), "no answer, no reversal")


def _told(histogram: Histogram, percent: float) -> str:
    return time_of(histogram.percentile(percent) if histogram.total else None)


def thresholds(result: Result) -> Table:
    rows = [
        (one.text, one.kind, measured_as(one.text, one.value), "✓ held" if one.held else "✗ broken")
        for one in result.thresholds
    ]
    broken = frozenset(number for number, one in enumerate(result.thresholds) if not one.held)
    return Table(("threshold", "kind", "measured", ""), rows, broken)


def flows(result: Result) -> Table:
    """Flow by flow, and all together."""
    columns = ("flow", "offered", "sent", "answered", "timed out", "late", "p50", "p90", "p99", "p99.9", "service p99")
    rows = []
    for flow in (WHOLE, *result.flows()):
        total = result.total(flow)
        response, service = result.histogram(Clock.RESPONSE, flow), result.histogram(Clock.SERVICE, flow)
        counts = (total.offered, total.sent, total.answered, total.timed_out, total.late)
        times = (*(_told(response, share) for share in (50, 90, 99, 99.9)), _told(service, 99))
        rows.append((flow, *map(number_of, counts), *times))
    return Table(columns, rows)


def codes(result: Result) -> Table:
    """Latency by response code: a fast decline must not flatter the whole."""
    answered = result.total().answered
    rows = []
    for code in sorted(result.codes(), key=lambda code: -result.total(code=code).answered):
        count, histogram = result.total(code=code).answered, result.code_histogram(code)
        times = (_told(histogram, share) for share in (50, 90, 99, 100))
        rows.append((code, title_of(code), number_of(count), share_of(count, answered), *times))
    return Table(("code", "is", "answers", "share", "p50", "p90", "p99", "highest"), rows)


def findings(result: Result) -> Table:
    """The audit, finding by finding; also those of which there is none, because that is what one wants to know."""
    found = result.audit.findings
    rows = [
        (
            one.name.replace("_", " "),
            number_of(one.count),
            FINDING_WORDS.get(one.name, ""),
            ("✗ fails" if one.fails else "counted") if one.count else "✓ none",
        )
        for one in found
    ]
    marked = frozenset(number for number, one in enumerate(found) if one.count and one.fails)
    return Table(("finding", "count", "means", ""), rows, marked)


def keys(result: Result) -> Iterator[tuple[str, Table]]:
    """The messages behind each finding, as both ends can look them up."""
    for one in result.audit.findings:
        if one.keys:
            rows = [
                (key.stan, key.rrn, key.token, f"{key.at_s:.3f} s", key.flow, key.note) for key in one.keys[:KEYS_SHOWN]
            ]
            yield one.name.replace("_", " "), Table(("STAN", "RRN", "card token", "planned at", "flow", "note"), rows)


def books(result: Result) -> Table:
    columns = (
        "currency",
        "approved",
        "declined",
        "unknown",
        "reversed",
        "approved minor",
        "reversed minor",
        "net minor",
    )
    rows = [
        (
            currency_named(currency),
            *map(number_of, (book.approved, book.declined, book.unknown, book.reversed)),
            *map(minor_of, (book.approved_minor, book.reversed_minor, book.net_minor)),
        )
        for currency, book in sorted(result.audit.books.items())
    ]
    return Table(columns, rows)


def facts(result: Result) -> Iterator[tuple[str, str]]:
    """What was run, so that it can be run again."""
    meta = result.meta
    yield "scenario", f"{meta.scenario} ({meta.scenario_hash[:12]})"
    yield "dialect", f"{meta.dialect} ({meta.dialect_hash[:12]})"
    yield "target", meta.target
    yield "seed", str(meta.seed)
    yield "started", meta.started
    yield "measured", f"{meta.measured_s:g} s, after {meta.warm_up_s:g} s of warm-up"
    yield "mode", f"{meta.mode} loop, {meta.processes} process{'es' if meta.processes > 1 else ''}, {meta.timer}"
    yield "generator", f"{meta.host or 'unknown host'}, {meta.cpu_share:.0%} of the CPU it may use"
    if meta.commit:
        yield "commit", meta.commit
    yield from sorted(meta.versions.items())
    for worker, offset_ms in sorted(meta.clock_offsets_ms.items()):
        yield f"clock of {worker}", f"{offset_ms:+.2f} ms"
