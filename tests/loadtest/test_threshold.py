"""Thresholds and verdicts: one comparison of a named figure, read and never run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.result import Audit, Clock, CountKey, Counts, Finding, Result
from loadtest.threshold import Threshold
from loadtest.validity import judged, remarks
from tests.loadtest.test_result import histogram_of, meta, result


@pytest.mark.parametrize(
    "text",
    [
        "response.p99 < 50ms",
        "purchase.response.p99.9 < 200ms",
        "approved.ratio > 97%",
        "de39.91.ratio < 0.1%",
        "lost == 0",
        "timeout.ratio > 1%",
        "achieved >= 1_000/s",
        "lateness.max < 900us",
        "service.mean < 3 ms",
        "purchase.approved.ratio >= 0.97",
        "achieved.ratio > 99.5%",
    ],
)
def test_what_people_write_is_understood(text: str) -> None:
    assert Threshold.parse(text).text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("response.p99 < 50", "a time"),
        ("response.p99 < 50%", "a time"),
        ("lost == 0ms", "a count"),
        ("p99 < 50ms", "no figure called p99"),
        ("response.p99.9999 < 1ms", "no figure"),
        ("__import__('os').system('true') == 0", "is not FIGURE"),
        ("response.p99 < 50ms and lost == 0", "is not FIGURE"),
    ],
)
def test_what_cannot_be_understood_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Threshold.parse(text)


@given(st.text())
def test_any_text_is_a_threshold_or_a_value_error(text: str) -> None:
    try:
        Threshold.parse(text)
    except ValueError:
        return


def test_they_read_the_measured_part() -> None:
    made = Result(meta(warm_up_s=1.0))
    made.histograms[0, "purchase", Clock.RESPONSE] = histogram_of([9_000_000])  # the warm-up
    made.histograms[1, "purchase", Clock.RESPONSE] = histogram_of([1000, 2000])
    made.counts[CountKey(1, "purchase", "0100", "00", 0)] = Counts(answered=97)
    made.counts[CountKey(1, "purchase", "0100", "91", 0)] = Counts(answered=3)
    assert Threshold.parse("response.p99 < 3ms").outcome(made).held
    assert Threshold.parse("purchase.response.max < 3ms").outcome(made).value == 2.0
    assert Threshold.parse("approved.ratio > 97%").outcome(made).value == 97.0
    assert not Threshold.parse("approved.ratio > 97%").outcome(made).held
    assert Threshold.parse("de39.91.ratio <= 3%").outcome(made).held


def test_what_was_never_measured_holds_nothing() -> None:
    empty = Result(meta())
    outcome = Threshold.parse("response.p99 < 50ms").outcome(empty)
    assert (outcome.held, outcome.value) == (False, None)


def test_findings_and_counters_are_figures_too() -> None:
    made = result()
    made.audit = Audit(findings=(Finding(name="lost", count=2),))
    assert Threshold.parse("lost == 0").outcome(made).value == 2
    assert Threshold.parse("not_sent <= 12").outcome(made).held


def test_a_late_generator_is_invalid_and_never_a_pass() -> None:
    made = Result(meta())
    made.histograms[0, "purchase", Clock.LATENESS] = histogram_of([5000] * 100)
    made.histograms[0, "purchase", Clock.RESPONSE] = histogram_of([900_000] * 100)
    assert "lateness p99" in judged(made).reasons[0]


def test_a_busy_generator_is_invalid() -> None:
    assert "CPU" in judged(Result(meta(cpu_share=0.9))).reasons[0]


def test_lateness_beside_quick_answers_warns_or_where_a_threshold_speaks_of_them_is_invalid() -> None:
    made = Result(meta())
    made.histograms[0, "purchase", Clock.LATENESS] = histogram_of([500] * 100)
    made.histograms[0, "purchase", Clock.RESPONSE] = histogram_of([2000] * 100)
    assert judged(made).valid
    assert judged(made).warnings
    assert not judged(made, (Threshold.parse("response.p99 < 10ms"),)).valid
    assert judged(made, (Threshold.parse("response.p99 < 50ms"),)).valid


def test_a_lost_worker_makes_it_partial() -> None:
    assert "25%" in judged(Result(meta(lost_workers={"w1": 0.25}))).reasons[0]


def test_closed_mode_says_what_it_hides() -> None:
    assert any("hide stalls" in one for one in remarks(Result(meta(mode="closed"))))
