"""From a life that fails to the shortest story that still does: fewer payments, fewer mishaps, plainer fates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tests.simulation.tiers import Plan

P = TypeVar("P", bound=Plan)


def shrunk(plan: P, fails: Callable[[P], bool], tries_max: int) -> P:
    """The smallest plan found that still fails. A failure that needs more tries is shown as it is by then."""
    left = [tries_max]

    def still(tried: P) -> bool:
        left[0] -= 1
        return left[0] > 0 and fails(tried)

    plan = _less(plan, still, lambda one: list(range(len(one.mishaps))), lambda one, gone: one.without(set(), gone))
    plan = _less(plan, still, lambda one: one.numbers, lambda one, gone: one.without(gone, set()))
    for number, part in plan.plain_parts():
        if still(tried := plan.made_plain(number, part)):
            plan = tried
    plan = _less(plan, still, lambda one: list(range(len(one.mishaps))), lambda one, gone: one.without(set(), gone))
    return _less(plan, still, lambda one: one.numbers, lambda one, gone: one.without(gone, set()))


def _less(
    plan: P, still: Callable[[P], bool], parts: Callable[[P], list[int]], without: Callable[[P, set[int]], P]
) -> P:
    """Take out all, halves, quarters, single ones, as long as it still fails."""
    size = max(1, len(parts(plan)))
    while True:
        shorter = False
        numbers = parts(plan)
        for start in range(0, len(numbers), size):
            tried = without(plan, set(numbers[start : start + size]))
            if still(tried):
                plan, shorter = tried, True
                break
        if not shorter:
            if size == 1 or not numbers:
                return plan
            size = max(1, size // 2)
