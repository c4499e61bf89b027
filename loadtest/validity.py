"""Whether the generator was fit for what was asked of it. Pure: a result in, a verdict out. Nothing widens a limit."""

from __future__ import annotations

from typing import Final

from loadtest.result import Clock, Result, Validity
from loadtest.threshold import Threshold

LATENESS_MAX_US: Final = 1000  # of the 99th percentile: what a network of payments notices
CPU_MAX: Final = 0.85  # of what the generator may use: above it, waiting for a core looks like the host
LATENESS_SHARE: Final = 0.05  # of the response p50, where a threshold speaks of quick answers
QUICK_US: Final = 20_000


def judged(result: Result, thresholds: tuple[Threshold, ...] = ()) -> Validity:
    """The validity of the measured part. Closed mode has no plan to be late for."""
    reasons: list[str] = []
    warnings: list[str] = []
    lateness = result.histogram(Clock.LATENESS)
    p99 = lateness.percentile(99)
    if lateness.total and p99 > LATENESS_MAX_US:
        reasons.append(f"generator-bound: lateness p99 is {p99 / 1000:.2f} ms, more than {LATENESS_MAX_US / 1000:g} ms")
    if result.meta.cpu_share > CPU_MAX:
        used = f"{result.meta.cpu_share:.0%} of the CPU it may use"
        reasons.append(f"generator-bound: the generator used {used}, more than {CPU_MAX:.0%}")
    median = result.histogram(Clock.RESPONSE).percentile(50)
    if lateness.total and p99 > LATENESS_SHARE * median:
        said = f"lateness p99 ({p99} µs) is more than {LATENESS_SHARE:.0%} of the response p50 ({median} µs)"
        strict = any(one.speaks_of_response_below(QUICK_US) for one in thresholds)
        (reasons if strict else warnings).append(said)
    if result.meta.lost_workers:
        lost = ", ".join(f"{name} ({share:.0%})" for name, share in result.meta.lost_workers.items())
        reasons.append(f"partial: lost {lost}")
    return Validity(valid=not reasons, reasons=tuple(reasons), warnings=tuple(warnings))


def remarks(result: Result) -> tuple[str, ...]:
    """Sentences that a reader of the figures must have read first."""
    said = []
    rates = result.rates()
    if result.meta.mode == "closed":
        said.append(
            "Closed mode: a user who waits sends nothing, so a stall is hardly measured; "
            "these percentiles hide stalls. Use arrivals for what customers would have felt."
        )
    elif rates["offered"] and rates["achieved"] < 0.995 * rates["offered"]:
        offered, achieved = rates["offered"], rates["achieved"]
        said.append(
            f"Offered {offered:,.0f}/s, achieved {achieved:,.0f}/s: the backlog grew; response time is mostly waiting."
        )
    if not_sent := result.total().not_sent:
        said.append(f"{not_sent:,} messages were not sent: no link was up, or none had room in time.")
    if result.meta.timer != "timerfd":
        said.append(f"There is no timerfd here; {result.meta.timer} was used, which wakes up later.")
    return tuple(said)
