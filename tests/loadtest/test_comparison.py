"""Comparing runs: noise alone is never worse, a change that matters is, and what cannot be compared is refused."""

from pathlib import Path

import numpy as np
import pytest

from loadtest.__main__ import main
from loadtest.comparison import Change, Comparison, IncomparableError, compared, markdown, obstacles
from loadtest.result import Result
from tests.loadtest.results import invalid, made_up

BEFORE = made_up(seconds=60, rate=60, stall_at=None, seed=1)


def against(after: Result, **how: float) -> Comparison:
    return compared(BEFORE, after, np.random.default_rng(7), resamples=400, **how)  # type: ignore[arg-type]


def change(comparison: Comparison, name: str) -> Change:
    return next(one.change for one in comparison.figures if one.name == name)


def test_the_same_host_on_another_day_is_the_same() -> None:
    found = against(made_up(seconds=60, rate=60, stall_at=None, seed=2))
    assert not found.is_worse
    assert {change(found, name) for name in ("response p50", "response p90", "throughput")} == {Change.SAME}


def test_a_host_a_fifth_slower_is_worse_and_the_other_way_round_better() -> None:
    slower = made_up(seconds=60, rate=60, stall_at=None, seed=2, slower=1.2)
    found = against(slower)
    assert found.is_worse
    assert change(found, "response p50") is Change.WORSE
    back = compared(slower, BEFORE, np.random.default_rng(7), resamples=400)
    assert change(back, "response p50") is Change.BETTER
    assert not back.is_worse


def test_a_tolerance_above_the_change_makes_it_the_same() -> None:
    slower = made_up(seconds=60, rate=60, stall_at=None, seed=2, slower=1.2)
    assert not against(slower, tolerance=0.5).is_worse


def test_the_interval_holds_the_true_change() -> None:
    found = against(made_up(seconds=60, rate=60, stall_at=None, seed=3, slower=1.5))
    p50 = next(one for one in found.figures if one.name == "response p50")
    assert p50.low < 0.5 < p50.high
    assert p50.high - p50.low < 0.2


def test_a_lower_throughput_is_worse() -> None:
    after = made_up(seconds=60, rate=40, stall_at=None, seed=2)
    assert change(against(after), "throughput") is Change.WORSE


def test_more_errors_are_worse_even_if_there_were_none_before() -> None:
    after = made_up(seconds=60, rate=60, stall_at=None, seed=1)
    for counts in after.counts.values():
        counts.timed_out += 1
    assert change(against(after), "timed out") is Change.WORSE


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (made_up(seconds=20, rate=20, scenario_hash="other"), "the scenarios differ"),
        (made_up(seconds=20, rate=20, host="elsewhere"), "the generating hosts differ"),
        (invalid(), "B is INVALID"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_forced_only_with_a_remark(after: Result, reason: str) -> None:
    with pytest.raises(IncomparableError, match=reason):
        against(after)
    forced = compared(BEFORE, after, np.random.default_rng(7), force=True, resamples=50)
    assert reason in " ".join(forced.remarks)
    assert reason in markdown(forced, BEFORE, after)


def test_equal_runs_have_no_obstacles() -> None:
    assert not list(obstacles(BEFORE, BEFORE))


def test_the_command_prints_markdown_and_its_exit_code_says_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up(seconds=30, rate=30, stall_at=None).write(tmp_path / "a")
    made_up(seconds=30, rate=30, stall_at=None, slower=2).write(tmp_path / "b")
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    told = capsys.readouterr().out
    assert "| response p99 |" in told
    assert "**worse**" in told
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "a"), "--json"]) == 0
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "nowhere")]) == 2
