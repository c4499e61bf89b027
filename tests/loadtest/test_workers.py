"""Shares of a plan, merged: nothing is lost on the way, and what is no result is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.result import Audit, Book, Clock, Finding, Key, Result
from loadtest.result_wire import from_wire, to_wire
from tests.loadtest.test_result import histogram_of, meta, result

durations = st.lists(st.integers(min_value=1, max_value=60_000_000), max_size=200)


@given(durations)
def test_four_workers_merge_to_what_one_would_have_recorded(values: list[int]) -> None:
    """L6: the same recorded values, bucket for bucket, through the form in which workers ship them."""
    one = Result(meta())
    one.histograms[0, "purchase", Clock.RESPONSE] = histogram_of(values)
    four = Result(meta())
    for worker in range(4):
        share = Result(meta())
        share.histograms[0, "purchase", Clock.RESPONSE] = histogram_of(values[worker::4])
        four.take_in(from_wire(json.loads(json.dumps(to_wire(share)))))
    assert four.histograms == one.histograms


def test_a_result_comes_back_as_it_was_told() -> None:
    made = result()
    made.audit = Audit(
        findings=(Finding(name="lost", count=1, keys=(Key(stan="000123"),)),), books={"784": Book(approved=2)}
    )
    assert from_wire(json.loads(json.dumps(to_wire(made)))) == made


def test_links_of_different_workers_stay_apart_but_nowhere_is_nowhere() -> None:
    made = from_wire(to_wire(result()), first_link=8)
    assert {key.link for key in made.counts} == {8}
    assert {link for _, link in made.gauges} == {8}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(st.sampled_from(sorted(to_wire(Result(meta())))), json_values)
def test_what_is_no_result_is_a_value_error_and_nothing_else(name: str, value: Any) -> None:
    told = {**to_wire(result()), name: value}
    try:
        from_wire(told)
    except ValueError:
        return


@pytest.mark.parametrize("told", [{}, {"meta": 1}, {"histograms": [[1]]}])
def test_a_message_without_its_parts_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a result"):
        from_wire(told)
