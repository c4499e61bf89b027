"""The value between who measures and who reports: it survives its files, and merging loses nothing."""

from pathlib import Path
from random import Random

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from loadtest.histogram import HIGHEST_US, Histogram
from loadtest.result import (
    AUDIT,
    HISTOGRAMS,
    NO_CODE,
    SECONDS,
    SUMMARY,
    Audit,
    Book,
    Clock,
    CountKey,
    Counts,
    Exit,
    Finding,
    Gauge,
    Key,
    Meta,
    Result,
    ThresholdOutcome,
    Validity,
)

durations = st.integers(min_value=1, max_value=HIGHEST_US)


def meta(**changes: object) -> Meta:
    given_: dict[str, object] = {
        "scenario": "tour",
        "scenario_hash": "a" * 16,
        "dialect": "iso87_ascii",
        "dialect_hash": "b" * 16,
        "target": "127.0.0.1:8583",
        "seed": 7,
        "started": "2000-11-23T20:51:44+00:00",
        "measured_to_s": 3.0,
    }
    return Meta.model_validate(given_ | changes)


def result(**changes: object) -> Result:
    """Three seconds of two flows, drawn from one seed."""
    random, made = Random(7), Result(meta(**changes))
    for second in range(3):
        for flow, mti in (("purchase", "0100"), ("echo", "0800")):
            for clock in Clock:
                values = [int(random.lognormvariate(8, 1)) for _ in range(50)]
                made.histograms[second, flow, clock] = histogram_of(values)
            made.by_code[second, flow, "00"] = histogram_of([1000, 2000])
            made.counts[CountKey(second, flow, mti, "00", 0)] = Counts(offered=50, sent=50, answered=50)
            made.counts[CountKey(second, flow, mti, NO_CODE, 0)] = Counts(offered=2, not_sent=2)
        made.gauges[second, 0] = Gauge(written=100, received=100, bytes_in=9, in_flight=3, connects=1, gap_ms=12)
    return made


def histogram_of(values: list[int]) -> Histogram:
    made = Histogram()
    made.record_all(values)
    return made


@given(st.lists(durations, min_size=1))
def test_our_buckets_are_those_of_the_library(values: list[int]) -> None:
    ours, library = histogram_of(values), HdrHistogram(1, HIGHEST_US, 3)
    for value in values:
        library.record_value(value)
    for percent in (0.1, 50, 90, 99, 99.9, 100):
        assert ours.percentile(percent) == library.get_value_at_percentile(percent)
    assert Histogram.decoded(ours.encoded()) == ours
    assert {i: n for i in range(library.counts_len) if (n := library.counts[i])} == ours.counts


@given(st.lists(durations), st.integers(min_value=1, max_value=7))
def test_merging_the_shares_of_workers_gives_what_one_would_have_recorded(values: list[int], workers: int) -> None:
    shares = [histogram_of(values[worker::workers]) for worker in range(workers)]
    assert Histogram.merged(shares) == histogram_of(values)


def test_a_value_outside_the_range_is_kept_at_its_edge() -> None:
    edges = Histogram()
    edges.record(-5)
    edges.record(10 * HIGHEST_US)
    assert edges == histogram_of([1, HIGHEST_US]) == histogram_of([0, 2 * HIGHEST_US])


@pytest.mark.parametrize("text", ["", "AAAA", "not base 64", "HISTFAAAAB542pNpmSzMwMDAxAAA"])
def test_what_is_not_a_histogram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an encoded"):
        Histogram.decoded(text)


def test_a_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written = result()
    written.audit = Audit(
        findings=(Finding(name="lost", count=1, keys=(Key(stan="000123", token="card-1f"),)),),
        books={"784": Book(approved=2, approved_minor=500, reversed_minor=100)},
        injected={"duplicate": 3},
    )
    written.thresholds = (ThresholdOutcome(text="lost == 0", held=False, value=1),)
    written.validity = Validity(warnings=("hm",))
    written.write(tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {SUMMARY, SECONDS, HISTOGRAMS, AUDIT}
    assert Result.read(tmp_path / "run") == written


def test_the_log_is_read_by_the_library_too(tmp_path: Path) -> None:
    written = result()
    written.write(tmp_path)
    whole = HdrHistogram(1, HIGHEST_US, 3)
    reader = HistogramLogReader(str(tmp_path / HISTOGRAMS), whole)
    count, tags = 0, set()
    while (interval := reader.get_next_interval_histogram()) is not None:
        tags.add(interval.get_tag())
        count += interval.get_total_count()
    reader.close()
    assert {"response/purchase", "lateness/echo", "code/purchase/00"} <= tags
    assert count == sum(one.total for one in (*written.histograms.values(), *written.by_code.values()))


def test_the_warm_up_counts_for_nothing_but_the_audit() -> None:
    made = result(warm_up_s=1.0)
    assert made.total("purchase").offered == 2 * 52
    assert made.total("purchase", measured=False).offered == 3 * 52
    assert made.histogram(Clock.RESPONSE).total == 2 * 100
    assert made.rates()["offered"] == 2 * 104 / 2.0


def test_shares_of_workers_add_up_to_the_whole() -> None:
    whole, part = result(), result()
    whole.take_in(part)
    assert whole.total().offered == 2 * part.total().offered
    assert whole.gauges[1, 0].in_flight == 6
    assert whole.histogram(Clock.SERVICE).total == 2 * part.histogram(Clock.SERVICE).total


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, Exit.PASSED),
        ({"meta": {"unreachable": "refused"}}, Exit.UNREACHABLE),
        ({"meta": {"lost_workers": {"w1": 0.25}}}, Exit.INVALID),
        ({"validity": Validity(valid=False, reasons=("late",))}, Exit.INVALID),
        ({"audit": Audit(findings=(Finding(name="lost", count=1),))}, Exit.AUDIT_FAILED),
        ({"audit": Audit(findings=(Finding(name="late", count=9, fails=False),))}, Exit.PASSED),
        ({"thresholds": (ThresholdOutcome(text="lost == 0", held=False),)}, Exit.THRESHOLD),
        ({"meta": {"aborted": "timeout.ratio > 1%"}}, Exit.THRESHOLD),
        ({"meta": {"interrupted": True}}, Exit.INTERRUPTED),
    ],
)
def test_each_end_has_its_exit_code(changes: dict[str, object], code: Exit) -> None:
    made = Result(meta(**changes.pop("meta", {})))  # type: ignore[arg-type]
    for name, value in changes.items():
        setattr(made, name, value)
    assert made.exit_code is code


def test_when_several_ends_hold_the_gravest_counts_and_all_are_listed() -> None:
    made = Result(meta(interrupted=True))
    made.validity = Validity(valid=False, reasons=("late",))
    made.audit = Audit(findings=(Finding(name="doubled", count=1),))
    assert made.exits() == (Exit.INVALID, Exit.AUDIT_FAILED, Exit.INTERRUPTED)
    assert made.summary()["exit_code"] == 4


def test_another_version_is_refused_by_name(tmp_path: Path) -> None:
    result().write(tmp_path)
    (tmp_path / SUMMARY).write_text('{"version": 99}')
    with pytest.raises(ValueError, match="version 1"):
        Result.read(tmp_path)
