"""The report: one page that needs no network, says first whether it may be believed, and shows no secret."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from loadtest.charts import CHARTS
from loadtest.histogram import Histogram
from loadtest.report import drawn, report_page, verdict
from loadtest.result import Audit, Clock, CountKey, Counts, Finding, Meta, Result
from loadtest.series import Series
from loadtest.svg import BOTTOM, LABEL_APART, Plot
from tests.loadtest.results import invalid, made_up

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Tree(HTMLParser):
    """Whether every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_one_well_formed_file_without_a_network_and_small_enough_to_mail() -> None:
    page = report_page(made_up(seconds=600, rate=20))
    tree = Tree()
    tree.feed(page)
    assert not tree.open
    assert not re.search(r"(src|href)=|https?://|@import|url\((?!#)", page)
    assert len(page) < 1_000_000


def test_every_chart_has_its_picture_and_its_table() -> None:
    for chart, one in drawn(made_up()):
        assert one.svg.startswith("<svg"), chart.name
        assert one.rows, chart.name
        assert all(len(row) == len(one.columns) for row in one.rows), chart.name
    tree = Tree()
    tree.feed(report_page(made_up()))
    assert tree.tables >= len(CHARTS)


def test_a_run_that_may_not_be_believed_says_so_before_anything_else() -> None:
    page = report_page(invalid())
    assert verdict(invalid()) == ("INVALID (generator-bound)", "bad")
    banner = page.index('class="verdict bad"')
    assert "INVALID (generator-bound)" in page[banner : banner + 200]
    assert "lateness p99 was 7.2 ms" in page
    assert banner < page.index('class="tile"')
    assert "--bad: #b3201d" in page  # red


def test_the_difference_of_response_and_service_is_explained_in_a_sentence() -> None:
    assert "Response time runs from the instant at which the plan wanted the message sent" in report_page(made_up())


def test_a_stall_shows_in_response_and_not_in_service() -> None:
    page = report_page(made_up())
    p99 = re.search(r"response p99</span><b>(\S+) (\S+)</b><span>service (\S+) (\w+)<", page)
    assert p99 is not None
    assert (p99[2], p99[4]) == ("ms", "ms")
    assert float(p99[1]) > 5 * float(p99[3])


def test_findings_thresholds_books_and_explanations_are_all_there() -> None:
    page = report_page(made_up())
    for text in ("de39.91.ratio", "✗ broken", "✓ none", "tok-9a1", "123 456 789", "999999 answers nothing"):
        assert text.replace(" ", "\N{NARROW NO-BREAK SPACE}") in page or text in page, text


def test_what_others_wrote_is_text_and_never_markup() -> None:
    result = made_up(seconds=5, stall_at=None, scenario="<script>alert(1)</script>")
    result.audit = Audit(findings=(Finding(name="lost", count=1),))
    page = report_page(result)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("flow", ["<b>", '"quoted"'])
def test_names_in_charts_are_escaped_too(flow: str) -> None:
    result = Result(Meta(**_least()))
    result.counts[CountKey(0, flow, "0100", "<i", 1)] = Counts(offered=1, sent=1, answered=1)
    page = report_page(result)
    assert f"<td>{flow}" not in page
    assert "<i</text>" not in page


def test_a_run_in_which_nothing_happened_is_a_page_too() -> None:
    page = report_page(Result(Meta(**_least())))
    assert "Nothing was answered" in page
    assert "every link was up" in page


def test_one_answer_alone_is_a_page_too() -> None:
    result = Result(Meta(**_least()))
    result.counts[CountKey(0, "replay", "0100", "00", 1)] = Counts(offered=1, sent=1, answered=1)
    for clock in Clock:
        histogram = result.histograms[0, "replay", clock] = Histogram()
        histogram.record(1500)
    assert "Too few were answered for a curve" in report_page(result)


def test_a_long_run_is_drawn_in_stretches() -> None:
    result = Result(Meta(**_least(measured_to_s=3600.0)))
    for second in range(3600):
        result.counts[CountKey(second, "purchase", "0100", "00", 1)] = Counts(offered=10, sent=10, answered=10)
    series = Series(result)
    assert series.count <= 180
    assert series.offered == [10.0] * series.count  # rates stay rates


def _least(**changes: object) -> dict[str, object]:
    least: dict[str, object] = {
        "scenario": "empty",
        "scenario_hash": "0",
        "dialect": "iso87_ascii",
        "dialect_hash": "0",
        "target": "127.0.0.1:1",
        "seed": 1,
        "started": "2026-11-24T00:00:00Z",
        "measured_to_s": 3.0,
    }
    return least | changes


def test_names_at_the_ends_of_lines_stay_inside_the_picture() -> None:
    plot = Plot.sized("crowded", (0, 1), (0, 1))
    for number in range(1, 9):
        plot.line([(0, 0), (1, 0)], number, f"line {number}")
    places = [float(at) for at in re.findall(r'class="name t\d" x="[^"]*" y="([^"]*)"', plot.text())]
    assert len(places) == 8
    assert max(places) <= plot.height - BOTTOM + 4
    assert all(later - earlier >= LABEL_APART for earlier, later in pairwise(places))
