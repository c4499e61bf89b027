"""From a run that fails to the shortest story that still does: fewer payments, fewer mishaps, plainer fates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.plan import Payment, Plan

TRIES_MAX = 400  # enough for sixty payments; a failure that needs more is shown as it is

#: What a payment is without misfortune.
PLAIN: dict[str, object] = {
    **dict.fromkeys(("declined", "silent", "double", "contradictory", "senseless", "stray", "impostor"), False),
    "repeats": (),
    "conflict_after": None,
    "reversals": (),
    "completion_after": None,
    "advices_lost": 0,
    "advices_refused": 0,
    "thinks_s": 0.02,
}


def shrunk(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """The smallest plan found that still fails."""
    left = [TRIES_MAX]

    def still(tried: Plan) -> bool:
        left[0] -= 1
        return left[0] > 0 and fails(tried)

    plan = _less(plan, still, lambda one: [p.number for p in one.payments], lambda one, gone: one.without(gone, set()))
    plan = _less(plan, still, lambda one: list(range(len(one.mishaps))), lambda one, gone: one.without(set(), gone))
    plan = _plainer(plan, still)
    return _less(plan, still, lambda one: [p.number for p in one.payments], lambda one, gone: one.without(gone, set()))


def _less(
    plan: Plan,
    still: Callable[[Plan], bool],
    parts: Callable[[Plan], list[int]],
    without: Callable[[Plan, set[int]], Plan],
) -> Plan:
    """Take out halves, quarters, single ones, as long as it still fails."""
    size = max(1, len(parts(plan)) // 2)
    while True:
        shorter = False
        numbers = parts(plan)
        for start in range(0, len(numbers), size):
            tried = without(plan, set(numbers[start : start + size]))
            if still(tried):
                plan, shorter = tried, True
                break
        if not shorter:
            if size == 1:
                return plan
            size //= 2


def _plainer(plan: Plan, still: Callable[[Plan], bool]) -> Plan:
    for number in [one.number for one in plan.payments]:
        for name, usual in PLAIN.items():
            payment = next(one for one in plan.payments if one.number == number)
            if getattr(payment, name) == usual:
                continue
            tried = _with(plan, replace(payment, **{name: usual}))  # type: ignore[arg-type]
            if still(tried):
                plan = tried
    return plan


def _with(plan: Plan, payment: Payment) -> Plan:
    return replace(plan, payments=tuple(payment if one.number == payment.number else one for one in plan.payments))
