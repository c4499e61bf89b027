"""The result of a run: what happened to every message, as one value, and its form in a run directory.

    DIR/summary.json   meta, totals, percentiles, validity, thresholds, outcome, explanations (SUMMARY_VERSION)
    DIR/seconds.csv    counters per second, flow, message type, DE 39 and link; and a row per second and link
    DIR/hist.hlog      HdrHistogram's log: tag `response/purchase` per second, and `code/purchase/00` by DE 39
    DIR/audit.json     findings with their keys, the books, what we injected ourselves

`Result.write` and `Result.read` are inverse to each other. Pure but for those two; who measures is `tally`, who
compares is `report` and `compare`. A message belongs to the second in which it was *planned*, counted from the start of
the plan; so in every second offered = sent + not_sent, and what became of the sent ones stands in the same second,
whenever it came. What the wire did in a second, whatever it was about, is in `Gauge`. No card number is in any of it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from loadtest.histogram import Histogram

SUMMARY_VERSION: Final = 1
SUMMARY, SECONDS, HISTOGRAMS, AUDIT = "summary.json", "seconds.csv", "hist.hlog", "audit.json"
PERCENTILES: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0)
WHOLE: Final = "all"  # the name under which flows are added up; no flow may be called so
NO_CODE: Final = "--"  # of a message that has no DE 39 (yet): not sent, unanswered, or an answer without one


class Clock(StrEnum):
    RESPONSE = "response"  # received - planned: the headline
    SERVICE = "service"  # received - written: the host's share
    LATENESS = "lateness"  # written - planned: our own share


class Exit(IntEnum):
    """How the process ends. When several hold, the first of this order that is not PASSED counts."""

    PASSED = 0
    WORSE = 1
    USAGE = 2
    UNREACHABLE = 3
    INVALID = 4
    AUDIT_FAILED = 5
    THRESHOLD = 99
    INTERRUPTED = 130


EXIT_ORDER: Final = (Exit.USAGE, Exit.UNREACHABLE, Exit.INVALID, Exit.AUDIT_FAILED, Exit.THRESHOLD, Exit.INTERRUPTED)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Meta(_Value):
    """What was run, where, when and with what. Times without a date are seconds since the start of the plan."""

    scenario: str  # its name
    scenario_hash: str
    dialect: str
    dialect_hash: str
    target: str  # "host:port"
    seed: int
    commit: str = ""
    host: str = ""  # of the generator
    versions: dict[str, str] = Field(default_factory=dict)
    started: str  # ISO 8601, UTC
    warm_up_s: float = 0.0  # the measured part begins here
    measured_to_s: float  # and ends here: the planned end, or where the run was stopped
    mode: str = "open"  # or "closed": percentiles hide stalls
    processes: int = 1
    lost_workers: dict[str, float] = Field(default_factory=dict)  # who was lost -> its share of the plan, 0 to 1
    interrupted: bool = False
    unreachable: str = ""  # why the target could not be reached, or refused the sign-on
    aborted: str = ""  # the `abort` threshold that ended the run
    cpu_share: float = 0.0  # of what the generator may use, in the measured part
    timer: str = "timerfd"  # or what was used instead
    clock_offsets_ms: dict[str, float] = Field(default_factory=dict)  # worker -> estimate, for charts

    @property
    def measured_s(self) -> float:
        return max(self.measured_to_s - self.warm_up_s, 0.0)


class CountKey(NamedTuple):
    second: int
    flow: str
    mti: str  # of the request, as sent: "0100"
    code: str  # DE 39 of the answer, or NO_CODE
    link: int


@dataclass(slots=True)
class Counts:
    """How many messages of one key. offered = sent + not_sent; sent = answered + timed_out + those still in flight."""

    offered: int = 0
    sent: int = 0
    not_sent: int = 0
    answered: int = 0  # in time or late
    timed_out: int = 0  # no answer at the deadline; a late one is then counted in `late`, under its own DE 39
    late: int = 0
    unmatched: int = 0  # answers that belong to no request; keyed by the second they came in
    doubled: int = 0  # second answers to the same request
    garbage: int = 0  # frames that could not be read; keyed by the second they came in
    reversed: int = 0  # reversals that were accepted
    unexpected: int = 0  # DE 39 differs from what the card's entry foretells

    def add(self, other: Counts) -> None:
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


COUNTED: Final = tuple(one.name for one in fields(Counts))


@dataclass(slots=True)
class Gauge:
    """One link in one second of the wall: what went over it then, whenever it was planned."""

    written: int = 0  # messages
    received: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    in_flight: int = 0  # at the end of the second
    in_flight_max: int = 0
    connects: int = 0
    gap_ms: int = 0  # how long of this second the link was not up

    def add(self, other: Gauge) -> None:
        for name in GAUGED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


GAUGED: Final = tuple(one.name for one in fields(Gauge))
_KEYS: Final = CountKey._fields


class Validity(_Value):
    """Whether the generator was fit for what it was asked. `reasons` make invalid, `warnings` do not."""

    valid: bool = True
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Key(_Value):
    """One message in the audit, by what both ends can look up. The token stands for the card number."""

    stan: str = ""
    rrn: str = ""
    token: str = ""
    at_s: float = 0.0  # planned
    flow: str = ""
    note: str = ""


class Finding(_Value):
    """`count` messages; the first KEYS_MAX of them by name. `fails`: such a finding fails the audit."""

    name: str  # lost, doubled, altered, contradictory, late, unexpected, not_conserved
    count: int = 0
    fails: bool = True
    keys: tuple[Key, ...] = ()


KEYS_MAX: Final = 100
FINDINGS: Final[Mapping[str, bool]] = {  # name -> whether it fails the audit
    "lost": True,
    "doubled": True,
    "altered": True,
    "contradictory": True,
    "late": False,
    "unexpected": False,
    "not_conserved": True,
}


class Book(_Value):
    """One currency: how many messages about money, and the minor units."""

    approved: int = 0
    declined: int = 0
    unknown: int = 0
    reversed: int = 0
    approved_minor: int = 0
    reversed_minor: int = 0
    unknown_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.approved_minor - self.reversed_minor


class Audit(_Value):
    findings: tuple[Finding, ...] = ()
    books: dict[str, Book] = Field(default_factory=dict)  # DE 49 -> its book
    injected: dict[str, int] = Field(default_factory=dict)  # faults of our own making: name -> how many

    def finding(self, name: str) -> Finding:
        return next((one for one in self.findings if one.name == name), Finding(name=name, fails=FINDINGS[name]))

    @property
    def failed(self) -> bool:
        return any(one.count and one.fails for one in self.findings)


class ThresholdOutcome(_Value):
    text: str  # as written in the scenario
    held: bool
    value: float | None = None  # the figure, in the unit of the text; None: there was nothing to measure
    kind: str = "hold"  # or "abort"


class Explanation(_Value):
    """Why some answers belonged to nobody, in a sentence for people; how many it was."""

    cause: str  # a slug: "key_element_missing", "not_an_answer", "unknown_stan", "unreadable", "late_repeat"
    sentence: str
    count: int


@dataclass
class Result:
    """Everything that a report, a comparison or a search may want to know about one run."""

    meta: Meta
    histograms: dict[tuple[int, str, Clock], Histogram] = field(default_factory=dict)  # (second, flow, clock), in µs
    by_code: dict[tuple[int, str, str], Histogram] = field(default_factory=dict)  # (second, flow, DE 39): response
    counts: dict[CountKey, Counts] = field(default_factory=dict)
    gauges: dict[tuple[int, int], Gauge] = field(default_factory=dict)  # (second of the wall, link)
    validity: Validity = field(default_factory=Validity)
    audit: Audit = field(default_factory=Audit)
    thresholds: tuple[ThresholdOutcome, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    remarks: tuple[str, ...] = ()  # sentences for the reader: "offered 1 170/s, achieved 1 090/s: …"

    # --- reading it

    def is_measured(self, second: int) -> bool:
        """Whether a second lies in the measured part: after the warm-up and before the end."""
        return self.meta.warm_up_s <= second < self.meta.measured_to_s

    def histogram(self, clock: Clock, flow: str = WHOLE, *, measured: bool = True) -> Histogram:
        """All seconds of a flow, or of all flows, merged; of the measured part only, unless told otherwise."""
        return Histogram.merged(
            one
            for (second, name, of), one in self.histograms.items()
            if of is clock and flow in (name, WHOLE) and (not measured or self.is_measured(second))
        )

    def code_histogram(self, code: str, flow: str = WHOLE, *, measured: bool = True) -> Histogram:
        """The response time of answers with this DE 39."""
        return Histogram.merged(
            one
            for (second, name, of), one in self.by_code.items()
            if of == code and flow in (name, WHOLE) and (not measured or self.is_measured(second))
        )

    def total(self, flow: str = WHOLE, *, code: str | None = None, measured: bool = True) -> Counts:
        """The counters of a flow and a response code, or of all, added up."""
        whole = Counts()
        for key, counts in self.counts.items():
            if (
                flow in (key.flow, WHOLE)
                and code in (key.code, None)
                and (not measured or self.is_measured(key.second))
            ):
                whole.add(counts)
        return whole

    def flows(self) -> tuple[str, ...]:
        return tuple(sorted({key.flow for key in self.counts}))

    def codes(self) -> tuple[str, ...]:
        return tuple(sorted({key.code for key in self.counts if key.code != NO_CODE}))

    def exits(self) -> tuple[Exit, ...]:
        """All that hold, the decisive one first; none when the run passed."""
        holds = {
            Exit.UNREACHABLE: bool(self.meta.unreachable),
            Exit.INVALID: not self.validity.valid or bool(self.meta.lost_workers),
            Exit.AUDIT_FAILED: self.audit.failed,
            Exit.THRESHOLD: bool(self.meta.aborted) or any(not one.held for one in self.thresholds),
            Exit.INTERRUPTED: self.meta.interrupted,
        }
        return tuple(one for one in EXIT_ORDER if holds.get(one))

    @property
    def exit_code(self) -> Exit:
        return next(iter(self.exits()), Exit.PASSED)

    # --- merging

    def take_in(self, other: Result) -> None:
        """Another worker's share of the same plan: buckets and counters add up. Verdicts are then the coordinator's."""
        for moment, histogram in other.histograms.items():
            self.histograms.setdefault(moment, Histogram()).add(histogram)
        for group, histogram in other.by_code.items():
            self.by_code.setdefault(group, Histogram()).add(histogram)
        for key, counts in other.counts.items():
            self.counts.setdefault(key, Counts()).add(counts)
        for place, gauge in other.gauges.items():
            self.gauges.setdefault(place, Gauge()).add(gauge)
        self.audit = merged_audits((self.audit, other.audit))
        self.explanations = merged_explanations((*self.explanations, *other.explanations))
        self.remarks = tuple(dict.fromkeys((*self.remarks, *other.remarks)))

    # --- its form in a run directory

    def summary(self) -> dict[str, object]:
        """What stands in summary.json."""
        return {
            "version": SUMMARY_VERSION,
            "exit_code": int(self.exit_code),
            "exits": [{"code": int(one), "name": one.name.lower()} for one in self.exits()],
            "meta": self.meta.model_dump(),
            "totals": {flow: _as_dict(self.total(flow)) for flow in (WHOLE, *self.flows())},
            "totals_with_warm_up": {
                flow: _as_dict(self.total(flow, measured=False)) for flow in (WHOLE, *self.flows())
            },
            "rates": self.rates(),
            "codes": {
                code: {"answered": self.total(code=code).answered, "response": _figures(self.code_histogram(code))}
                for code in self.codes()
            },
            "latency_us": {
                flow: {clock.value: _figures(self.histogram(clock, flow)) for clock in Clock}
                for flow in (WHOLE, *self.flows())
            },
            "validity": self.validity.model_dump(),
            "thresholds": [one.model_dump() for one in self.thresholds],
            "audit": {
                "failed": self.audit.failed,
                **{one.name: one.count for one in self.audit.findings},
            },
            "explanations": [one.model_dump() for one in self.explanations],
            "remarks": list(self.remarks),
        }

    def rates(self) -> dict[str, float]:
        """Per second of the measured part: planned, sent, and answers that came in."""
        seconds = self.meta.measured_s
        if not seconds:
            return {"offered": 0.0, "sent": 0.0, "achieved": 0.0}
        total = self.total()
        received = sum(gauge.received for (second, _), gauge in self.gauges.items() if self.is_measured(second))
        return {
            "offered": total.offered / seconds,
            "sent": total.sent / seconds,
            "achieved": received / seconds,
        }

    def write(self, directory: Path) -> None:
        """Into a directory, which is made where it is not there. Raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / SUMMARY).write_text(json.dumps(self.summary(), indent=2) + "\n", encoding="utf-8")
        (directory / AUDIT).write_text(self.audit.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _write_seconds(directory / SECONDS, self)
        _write_histograms(directory / HISTOGRAMS, self)

    @classmethod
    def read(cls, directory: Path) -> Result:
        """What `write` wrote. Raises OSError, and ValueError where it is not that (pydantic's errors are some)."""
        summary = json.loads((directory / SUMMARY).read_text(encoding="utf-8"))
        if not isinstance(summary, dict) or summary.get("version") != SUMMARY_VERSION:
            raise ValueError(f"{directory / SUMMARY}: not a summary of version {SUMMARY_VERSION}")
        result = cls(
            meta=Meta.model_validate(summary["meta"]),
            validity=Validity.model_validate(summary["validity"]),
            audit=Audit.model_validate_json((directory / AUDIT).read_text(encoding="utf-8")),
            thresholds=tuple(map(ThresholdOutcome.model_validate, summary["thresholds"])),
            explanations=tuple(map(Explanation.model_validate, summary["explanations"])),
            remarks=tuple(summary["remarks"]),
        )
        _read_seconds(directory / SECONDS, result)
        _read_histograms(directory / HISTOGRAMS, result)
        return result


def merged_audits(audits: Iterable[Audit]) -> Audit:
    """Findings, books and injected faults added up; of the keys the first KEYS_MAX stay."""
    findings = {name: Finding(name=name, fails=fails) for name, fails in FINDINGS.items()}
    books: dict[str, Book] = {}
    injected: dict[str, int] = {}
    for audit in audits:
        for one in audit.findings:
            so_far = findings[one.name]
            keys = (*so_far.keys, *one.keys)[:KEYS_MAX]
            findings[one.name] = so_far.model_copy(update={"count": so_far.count + one.count, "keys": keys})
        for currency, book in audit.books.items():
            before = books.get(currency, Book())
            books[currency] = Book(**{name: getattr(before, name) + getattr(book, name) for name in Book.model_fields})
        for name, number in audit.injected.items():
            injected[name] = injected.get(name, 0) + number
    return Audit(findings=tuple(findings.values()), books=books, injected=injected)


def merged_explanations(explanations: Iterable[Explanation]) -> tuple[Explanation, ...]:
    """One for each cause and sentence, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for one in explanations:
        counts[one.cause, one.sentence] = counts.get((one.cause, one.sentence), 0) + one.count
    ordered = sorted(counts.items(), key=lambda entry: -entry[1])
    return tuple(Explanation(cause=cause, sentence=sentence, count=count) for (cause, sentence), count in ordered)


def _as_dict(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in COUNTED}


def _figures(histogram: Histogram) -> dict[str, float]:
    named = {f"p{percent:g}": histogram.percentile(percent) for percent in PERCENTILES}
    return {"count": histogram.total, "mean": round(histogram.mean_us, 1), "min": histogram.lowest_us, **named}


def _write_seconds(path: Path, result: Result) -> None:
    """Two kinds of rows: with a flow, its counters; without one, a link's gauges."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow((*_KEYS, *COUNTED, *GAUGED))
        for key, counts in sorted(result.counts.items()):
            writer.writerow((*key, *(getattr(counts, name) for name in COUNTED), *("" for _ in GAUGED)))
        for (second, link), gauge in sorted(result.gauges.items()):
            row = (second, "", "", "", link, *("" for _ in COUNTED), *(getattr(gauge, name) for name in GAUGED))
            writer.writerow(row)


def _read_seconds(path: Path, result: Result) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            second, link = int(row["second"]), int(row["link"])
            if row["flow"]:
                key = CountKey(second, row["flow"], row["mti"], row["code"], link)
                result.counts[key] = Counts(*(int(row[name]) for name in COUNTED))
            else:
                result.gauges[second, link] = Gauge(*(int(row[name]) for name in GAUGED))


_CODE: Final = "code"


def _write_histograms(path: Path, result: Result) -> None:
    """HdrHistogram's log format 1.3: intervals of a second, tagged; HdrHistogram's own readers take it."""
    lines = [
        "#[Histogram log format version 1.3]",
        "#[Values are microseconds; intervals are seconds of the plan]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    tagged = {(second, f"{clock.value}/{flow}"): one for (second, flow, clock), one in result.histograms.items()}
    tagged |= {(second, f"{_CODE}/{flow}/{code}"): one for (second, flow, code), one in result.by_code.items()}
    for (second, tag), histogram in sorted(tagged.items()):
        lines.append(f"Tag={tag},{second}.000,1.000,{histogram.highest_us / 1000:.3f},{histogram.encoded()}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read_histograms(path: Path, result: Result) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("Tag="):
            continue
        tag, start, _, _, encoded = line.split(",")
        kind, flow, *code = tag.removeprefix("Tag=").split("/")
        second, histogram = int(float(start)), Histogram.decoded(encoded)
        if kind == _CODE:
            result.by_code[second, flow, code[0]] = histogram
        else:
            result.histograms[second, flow, Clock(kind)] = histogram
