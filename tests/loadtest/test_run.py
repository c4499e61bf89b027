"""Runs against a host with known behaviour: what was measured is what happened, and nobody is forgotten."""

from typing import Any

import pytest

from loadtest.result import NO_CODE, Clock, Exit, Result
from tests.loadtest.hosts import run_against

MS = 1000.0


def percentile(result: Result, percent: float, clock: Clock = Clock.RESPONSE) -> float:
    """In ms."""
    return result.histogram(clock).percentile(percent) / MS


async def test_open_load_does_not_hide_a_stall() -> None:
    """L1, scaled: a stop of S in D seconds gives p_q = S (1 - (1 - q) / (S / D)) from the planned instants."""
    stop_s, lasts_s = 0.8, 2.4
    result = await run_against({"timeline": [{"at_s": 0.5, "freeze_s": stop_s}]}, rate_per_s=200, for_s=lasts_s)
    for percent in (80, 90, 95, 99):
        expected = 1000 * stop_s * (1 - (1 - percent / 100) / (stop_s / lasts_s))
        assert percentile(result, percent) == pytest.approx(expected, rel=0.1, abs=60), percent
    assert result.audit.finding("lost").count == 0
    assert result.total().answered == result.total().offered == 480


async def test_closed_load_hides_it_and_says_so() -> None:
    closed = {"plan": {"arrivals": [], "closed": {"users": 2, "for_s": 1.2, "think_s": 0.002}}}
    result = await run_against({"timeline": [{"at_s": 0.3, "freeze_s": 0.5}]}, **closed)
    assert result.meta.mode == "closed"
    assert percentile(result, 90) < 100  # most of a second's waiting is in the two that waited
    assert any("hide stalls" in remark for remark in result.remarks)


async def test_what_was_planned_is_what_was_sent() -> None:
    result = await run_against({}, rate_per_s=400, for_s=1.0)
    total = result.total("purchase")
    assert (total.offered, total.sent, total.answered, total.not_sent) == (400, 400, 400, 0)
    assert result.rates()["sent"] == pytest.approx(400, rel=0.005)


async def test_it_measures_what_is_there() -> None:
    """L4, scaled: 5 ms for nine in ten and 200 ms for the rest; one percent away from the step on either side."""
    steps = {"latency_ms": {"steps": [[0.9, 5.0], [0.1, 200.0]]}}
    result = await run_against(steps, rate_per_s=300, for_s=2.0)
    assert 5 <= percentile(result, 50, Clock.SERVICE) < 60
    assert 200 <= percentile(result, 95, Clock.SERVICE) < 280


async def test_the_audit_counts_exactly() -> None:
    """L7: with `ignore` the answerer drops 7, doubles 5, alters 3 and is late 11 times."""
    faults = {
        "drop": {"times": 7, "every": 10},
        "double": {"times": 5, "every": 11},
        "alter": {"times": 3, "every": 13},
        "late": {"times": 11, "every": 7},
    }
    timeouts = {"answer_s": 0.6, "on_timeout": "ignore", "linger_s": 2.0}
    result = await run_against({"faults": faults, "late_ms": 1200}, rate_per_s=200, for_s=1.0, timeouts=timeouts)
    found = {one.name: one.count for one in result.audit.findings}
    assert (found["lost"], found["doubled"], found["altered"], found["late"]) == (7, 5, 3, 11)
    assert found["contradictory"] == 11  # approved late, and nobody took it back
    keys = result.audit.finding("lost").keys
    assert len(keys) == 7
    assert all(len(key.stan) == 6 and len(key.rrn) == 12 and key.token.startswith("card-") for key in keys)
    assert result.audit.failed
    assert Exit.AUDIT_FAILED in result.exits()


async def test_a_timeout_is_reversed_and_then_nothing_is_lost() -> None:
    timeouts = {"answer_s": 0.6, "on_timeout": "reverse"}
    result = await run_against(
        {"faults": {"drop": {"times": 4, "every": 5}}}, rate_per_s=50, for_s=1.0, timeouts=timeouts
    )
    total = result.total(measured=False)  # what is decided after the plan's end counts too
    assert (total.timed_out, total.reversed) == (4, 4)
    assert result.audit.finding("lost").count == 0
    assert not result.audit.failed


async def test_a_late_approval_that_was_reversed_contradicts_nothing() -> None:
    timeouts = {"answer_s": 0.5, "on_timeout": "reverse", "linger_s": 1.5}
    script = {"faults": {"late": {"times": 3, "every": 4}}, "late_ms": 900}
    result = await run_against(script, rate_per_s=40, for_s=1.0, timeouts=timeouts)
    found = {one.name: one.count for one in result.audit.findings}
    assert (found["late"], found["contradictory"], found["lost"]) == (3, 0, 0)


async def test_an_answer_under_a_wrong_stan_is_an_altered_one() -> None:
    result = await run_against({"faults": {"wrong_stan": {"times": 2, "every": 5}}}, rate_per_s=50)
    assert result.audit.finding("altered").count == 2
    assert result.audit.finding("lost").count == 0


@pytest.mark.parametrize(
    ("script", "cause", "said"),
    [
        ({"leave_out": [41]}, "key_element_missing", 'add `"0100" = [11]`'),
        ({"answer_as": {"0100": "0210"}}, "not_an_answer", "0210"),
        ({"answer_as": {"0100": "0100"}}, "not_an_answer", "0110"),
    ],
)
async def test_it_says_why_nothing_matched(script: dict[str, Any], cause: str, said: str) -> None:
    """L12: an element of the match key is lacking; the answer's type is not taken for an answer."""
    timeouts = {"answer_s": 0.3, "on_timeout": "ignore", "linger_s": 0.0}
    result = await run_against(script, rate_per_s=40, for_s=0.5, timeouts=timeouts)
    explained = result.explanations[0]
    assert (explained.cause, explained.count) == (cause, 20)
    assert said in explained.sentence
    assert result.total("unmatched").unmatched == 20


async def test_an_element_missing_from_the_key_is_named() -> None:
    timeouts = {"answer_s": 0.3, "on_timeout": "ignore", "linger_s": 0.0}
    result = await run_against({"leave_out": [41]}, rate_per_s=20, for_s=0.5, timeouts=timeouts)
    assert "DE 41" in result.explanations[0].sentence


async def test_a_full_link_makes_arrivals_wait_and_not_vanish() -> None:
    links = {"count": 1, "max_in_flight": 2}
    result = await run_against({"latency_ms": 50.0}, rate_per_s=100, for_s=1.0, links=links)
    total = result.total()
    assert total.offered == total.sent == total.answered == 100
    assert percentile(result, 99) > 500  # a hundred with two at a time of 50 ms each take 2.5 s
    assert percentile(result, 99, Clock.SERVICE) < 300
    assert any("backlog grew" in remark for remark in result.remarks)


async def test_who_cannot_be_sent_in_time_is_counted_and_waited_so_long() -> None:
    links = {"count": 1, "max_in_flight": 1}
    timeouts = {"answer_s": 0.4, "on_timeout": "ignore", "linger_s": 0.0}
    result = await run_against({"faults": {"drop": 1.0}}, rate_per_s=50, for_s=0.6, links=links, timeouts=timeouts)
    total = result.total()
    assert total.offered == 30 == total.sent + total.not_sent
    assert total.not_sent > 20
    assert result.histogram(Clock.RESPONSE).total == 30
    assert percentile(result, 5) >= 390


async def test_a_target_that_goes_away_leaves_arrivals_unsent_and_is_come_back_to() -> None:
    script = {"timeline": [{"at_s": 0.4, "refuse_s": 0.5}]}
    result = await run_against(script, rate_per_s=100, for_s=2.0, timeouts={"answer_s": 1.0})
    total = result.total(measured=False)
    assert 20 < total.not_sent < 160
    assert total.offered >= 200
    gaps = sum(gauge.gap_ms for (_, link), gauge in result.gauges.items() if link == 0)
    assert gaps > 300
    assert sum(gauge.connects for gauge in result.gauges.values()) >= 2
    assert result.audit.finding("lost").count == 0


async def test_a_refused_sign_on_is_a_target_that_cannot_be_reached() -> None:
    result = await run_against({"refuse_sign_on": True})
    assert result.exit_code is Exit.UNREACHABLE
    assert "refused with 05" in result.meta.unreachable


async def test_flows_go_their_ways() -> None:
    mix = {
        "pre_authorization": {"weight": 1, "completed": 1.0, "delay_s": 0.05},
        "reversal": {"weight": 1, "why": ["customer_cancel"]},
        "echo": 1,
        "refund": 1,
    }
    result = await run_against({}, rate_per_s=100, for_s=1.0, mix=mix)
    types = {(key.flow, key.mti) for key in result.counts}
    assert {("pre_authorization", "0220"), ("reversal", "0420"), ("echo", "0800"), ("refund", "0200")} <= types
    assert not result.audit.failed
    book = result.audit.books["784"]
    assert book.reversed == result.total("reversal", measured=False).reversed > 0
    assert book.net_minor == book.approved_minor - book.reversed_minor


async def test_a_branch_is_taken_by_the_answers_code() -> None:
    result = await run_against({"codes": {"51": 1}}, rate_per_s=50, mix={"pre_authorization": {"weight": 1}})
    assert {key.mti for key in result.counts} == {"0100"}  # nothing to complete
    assert result.total(code="51").answered == 50


async def test_latency_is_split_by_response_code() -> None:
    script = {
        "prefix": [{"prefix": "97841000", "latency_ms": 80.0, "codes": {"91": 1}}],
        "latency_ms": 1.0,
    }
    values = {"cards": {"prefix": "978410", "count": 200}}
    result = await run_against(script, rate_per_s=200, for_s=1.0, values=values)
    if result.total(code="91").answered:
        assert result.code_histogram("91").percentile(50) > 60_000


async def test_our_own_faults_are_booked_and_are_nobodys_findings() -> None:
    chaos = {"duplicate": 0.2, "conflicting_duplicate": 0.1, "reversal_first": 0.1, "split": 0.2}
    result = await run_against({}, rate_per_s=200, for_s=1.0, chaos=chaos)
    assert set(result.audit.injected) == {"duplicate", "conflicting_duplicate", "reversal_first"}
    assert not result.audit.failed


async def test_links_that_we_drop_come_back_and_what_was_open_is_taken_back() -> None:
    chaos = {"drop_link_per_min": 200, "storm": 3}
    result = await run_against({"latency_ms": 30.0}, rate_per_s=100, for_s=2.0, chaos=chaos)
    assert result.audit.injected["drop_link"] >= 1
    assert result.audit.finding("lost").count == 0


async def test_a_threshold_that_is_broken_long_enough_ends_the_run() -> None:
    thresholds = {"abort": [{"when": "de39.51.ratio > 50%", "for_s": 1}]}
    result = await run_against({"codes": {"51": 1}}, rate_per_s=50, for_s=20.0, thresholds=thresholds)
    assert result.meta.measured_to_s < 6
    assert result.meta.aborted == "de39.51.ratio > 50%"
    assert Exit.THRESHOLD in result.exits()


@pytest.mark.parametrize("dialect", ["iso87_binary", "ebcdic_base1", "iso93_ascii", "iso87_ascii_binmap"])
async def test_any_dialect_will_do(dialect: str) -> None:
    script = {"dialect": dialect}
    result = await run_against(script, rate_per_s=40, for_s=0.5, target={"dialect": dialect})
    total = result.total()
    assert total.answered == total.offered == 20
    assert total.unmatched == total.garbage == 0
    assert {key.code for key in result.counts} == {NO_CODE, "00"}


@pytest.mark.parametrize("framing", ["len4_ascii", "tpdu", "len2_bcd_incl", "header(22)"])
async def test_any_framing_will_do(framing: str) -> None:
    result = await run_against({"framing": framing}, rate_per_s=40, for_s=0.5, target={"framing": framing})
    assert result.total().answered == 20


async def test_the_host_may_ask_us_whether_we_are_there() -> None:
    result = await run_against({}, rate_per_s=20, for_s=0.5, links={"echo_every_s": 0.1})
    assert result.total().answered == 10  # echoes of our links are in the gauges and nowhere else
    assert sum(gauge.written for gauge in result.gauges.values()) > 10


@pytest.mark.parametrize("pick", ["per_terminal", "hash_terminal"])
async def test_a_terminal_keeps_to_its_link(pick: str) -> None:
    links = {"count": 3, "pick": pick, "max_in_flight": 5}
    result = await run_against({}, rate_per_s=100, for_s=0.5, links=links, values={"terminals": 1})
    assert len({key.link for key in result.counts}) == 1
    assert result.total().answered == 50
