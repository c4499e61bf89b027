"""find-max as a search: tried on hosts that are formulas, whose limit is known."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.knee import knee_page
from loadtest.search import Ending, Heard, Limit, Probe, Purpose, Timing, heard_of, search
from tests.loadtest.results import invalid, made_up

AMPLE = Timing(budget_s=1e6)
Host = Callable[[Probe], Heard]


def host(limit: float, *, generator: float = 1e9, p50_us: float = 900.0) -> Host:
    """A host that keeps its thresholds up to a rate, asked by a generator that keeps its plan up to another."""

    def answer(probe: Probe) -> Heard:
        valid, passed = probe.rate <= generator, probe.rate <= limit
        why = () if passed else ("response.p99 < 50ms",)
        return Heard(passed and valid, valid, why, min(probe.rate, limit), p50_us, 2000 if passed else 90_000)

    return answer


def found(answer: Host, guess: float, timing: Timing = AMPLE) -> Limit:
    searching = search(guess, timing)
    probe = next(searching)
    try:
        while True:
            probe = searching.send(answer(probe))
    except StopIteration as ended:
        limit: Limit = ended.value
        return limit


@given(st.floats(50, 50_000), st.floats(0.1, 20))
@settings(max_examples=60)
def test_the_limit_is_found_from_any_guess_near_it(limit: float, wrong_by: float) -> None:
    result = found(host(limit), limit * wrong_by)
    assert result.ending is Ending.FOUND
    assert result.rate is not None
    assert 0.95 * 0.96 * limit <= result.rate <= limit  # 95 % of what bisecting to 3 % gives
    assert result.confirmed == 3
    assert result.breaks_at is not None
    assert limit < result.breaks_at <= limit * 1.04


def test_the_sentence_says_how_much_how_sure_and_what_breaks() -> None:
    said = found(host(1930), 1000).sentence
    assert said.startswith("max 1")
    assert "(3/3)" in said
    assert "breaks at" in said
    assert "by response.p99 < 50ms" in said


def test_a_probe_that_the_generator_could_not_keep_ends_the_search_with_at_least() -> None:
    result = found(host(10_000, generator=2_000), 1000)
    assert result.ending is Ending.AT_LEAST
    assert result.rate == 1500
    assert result.sentence.startswith("at least")
    assert "not the host's limit" in result.sentence


def test_the_baseline_comes_first_and_is_a_hundredth_of_the_guess() -> None:
    first = next(search(1000, AMPLE))
    assert (first.purpose, first.rate) == (Purpose.BASELINE, 10)


def test_after_a_failure_the_host_is_waited_for() -> None:
    steps = found(host(700), 1000).steps
    for before, after in pairwise(steps):
        if not before.heard.passed:
            assert after.probe.purpose is Purpose.RECOVER


def test_a_host_that_does_not_recover_ends_the_search() -> None:
    answer = host(700)

    def tired(probe: Probe) -> Heard:
        heard = answer(probe)
        return Heard(True, p50_us=50_000) if probe.purpose is Purpose.RECOVER else heard

    result = found(tired, 500)
    assert result.ending is Ending.NOT_RECOVERED
    assert result.rate == 500


def test_the_budget_ends_the_search_with_what_is_known() -> None:
    result = found(host(1000), 100, Timing(budget_s=150))
    assert result.ending is Ending.OUT_OF_BUDGET
    assert result.rate is not None
    assert result.rate <= 1000
    assert sum(step.probe.lasts_s for step in result.steps) <= 150


def test_a_rate_that_passes_only_briefly_is_not_confirmed() -> None:
    brief, lasting = host(1000), host(800)
    result = found(lambda probe: (lasting if probe.measure_s >= 60 else brief)(probe), 500)
    assert result.rate is not None
    assert 800 * 0.9 <= result.rate <= 800


def test_a_host_that_fails_at_any_rate_gives_nothing() -> None:
    result = found(host(0), 100)
    assert result.ending is Ending.NOTHING
    assert result.rate is None
    assert "no rate passed" in result.sentence


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_a_moody_host_never_makes_the_search_run_for_ever(seed: int) -> None:
    random = Random(seed)
    result = found(lambda probe: Heard(random.random() < 0.7, p50_us=1.0, why=("mood",)), 100, Timing())
    assert len(result.steps) < 100


def test_a_run_is_a_probe_that_passes_or_says_why_not() -> None:
    good = made_up(seconds=20, rate=30, stall_at=None)
    good.thresholds = ()
    assert heard_of(good, 21.0).passed
    broken = heard_of(made_up(seconds=20, rate=30, stall_at=None), 21.0)
    assert broken.why == ("de39.91.ratio < 0.1%",)
    assert not heard_of(invalid(), 21.0).valid
    for (second, _), gauge in good.gauges.items():
        gauge.in_flight = second * 10
    assert heard_of(good, 21.0).why == ("in flight kept rising",)


@pytest.mark.parametrize("limit", [0.0, 1000.0])
def test_the_knee_is_a_page(limit: float) -> None:
    page = knee_page(found(host(limit), 500), "<mine>")
    assert "&lt;mine&gt;" in page
    assert page.count("<circle") >= (5 if limit else 0)
