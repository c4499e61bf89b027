"""find-max against a real socket: it probes, tells each probe, and ends in a sentence and a page."""

from pathlib import Path

import pytest

from loadtest.__main__ import main
from tests.loadtest.test_replay import host

SCENARIO = """
[links]
count = 1
sign_on = false
[plan]
arrivals = [{ shape = "constant", rate_per_s = 1, for_s = 1 }]
[mix]
purchase = 1
[thresholds]
hold = ["response.p99 < 10s"]
"""


def test_probes_end_in_a_sentence_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tmp_path / "mine.toml"
    scenario.write_text(SCENARIO)
    short = ["--guess", "300", "--settle", "1", "--measure", "1", "--confirm", "1", "--budget", "4.5"]
    with host() as (port, _):
        code = main(
            ["find-max", str(scenario), "--target", f"127.0.0.1:{port}", "--out", str(tmp_path / "limit"), *short]
        )
    told = capsys.readouterr().out
    assert code in (4, 99)  # the budget is too small to confirm anything; a busy machine is late, or misses a rate
    assert told.startswith("baseline")
    assert (tmp_path / "limit" / "limit.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "limit" / "probe-01" / "summary.json").exists()


def test_without_thresholds_there_is_nothing_to_keep(tmp_path: Path) -> None:
    scenario = tmp_path / "mine.toml"
    scenario.write_text(SCENARIO.partition("[thresholds]")[0])
    assert main(["find-max", str(scenario), "--target", "127.0.0.1:1"]) == 2
