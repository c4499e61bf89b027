"""The list of promises is whole, what it names is there, and the page says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.promises import PROMISES, Promise
from tests.promises.__main__ import shortened
from tests.promises.page import PAGE, RESULTS, has_test, page

ROOT = Path(__file__).parents[2]


def test_there_are_twenty_three() -> None:
    assert [one.number for one in PROMISES] == list(range(1, 24))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.name)
def test_each_has_a_test_named_after_it_or_says_that_it_has_none(promise: Promise) -> None:
    assert has_test(promise) or promise.not_yet.startswith("NOT YET")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.name)
def test_what_it_names_is_there(promise: Promise) -> None:
    for where in promise.scaled:
        file, _, test = where.partition("::")
        assert test in (ROOT / file).read_text()


def test_a_promise_without_a_full_size_says_why() -> None:
    assert all(one.not_yet for one in PROMISES if not one.full)


def test_the_page_is_what_the_list_and_the_results_give() -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    assert PAGE.read_text() == page(results), "write it anew: ./run promises --write"


def test_a_look_takes_as_long_as_it_is_told() -> None:
    assert shortened(("tests.nemesis.soak", "--hours", "8"), 30) == ("tests.nemesis.soak", "--hours", "0.5")
    assert shortened(("fuzz", "1800"), 1) == ("fuzz", "60")
