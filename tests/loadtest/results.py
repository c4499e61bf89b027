"""Results of runs that never were: what a report, a comparison and a search are tried on."""

from random import Random

from loadtest.histogram import Histogram
from loadtest.result import (
    Audit,
    Book,
    Clock,
    CountKey,
    Counts,
    Explanation,
    Finding,
    Gauge,
    Key,
    Meta,
    Result,
    ThresholdOutcome,
    Validity,
)

CODES = {"00": 0.93, "54": 0.02, "51": 0.025, "41": 0.01, "62": 0.005, "91": 0.01}
FLOWS = {"purchase": 0.6, "ecommerce": 0.25, "atm_withdrawal": 0.15}


def made_up(
    *, seconds: int = 60, rate: int = 200, slower: float = 1.0, stall_at: int | None = 30, seed: int = 7, **meta: object
) -> Result:
    """A run of a host that takes about 8 ms, and stops for a second where asked."""
    random = Random(seed)
    about = {
        "scenario": "evening peak",
        "scenario_hash": "c0ffee" * 8,
        "dialect": "iso87_ascii",
        "dialect_hash": "beef" * 10,
        "target": "127.0.0.1:8583",
        "seed": seed,
        "started": "2026-11-24T00:00:00Z",
        "warm_up_s": 5.0,
        "measured_to_s": float(seconds),
        "host": "generator",
        "cpu_share": 0.31,
    } | meta
    result = Result(Meta.model_validate(about))
    for second in range(seconds):
        for flow, share in FLOWS.items():
            _second(result, second, flow, int(rate * share), random, slower, stall_at)
        for link in (1, 2):
            gap = 600 if second == stall_at and link == 2 else 0
            result.gauges[second, link] = Gauge(
                rate // 2, rate // 2, 9000, 11000, 3, 4 if second != stall_at else 90, 0, gap
            )
    result.thresholds = (
        ThresholdOutcome(text="response.p99 < 500ms", held=True, value=43.21),
        ThresholdOutcome(text="de39.91.ratio < 0.1%", held=False, value=1.02),
    )
    result.audit = Audit(
        findings=(
            Finding(name="lost", count=0),
            Finding(
                name="late",
                count=2,
                fails=False,
                keys=(Key(stan="000017", rrn="632900000017", token="tok-9a1", at_s=30.2, flow="purchase"),),
            ),
            Finding(name="unexpected", count=5, fails=False),
        ),
        books={"784": Book(approved=11000, declined=800, approved_minor=123_456_789)},
    )
    result.explanations = (
        Explanation(cause="unknown_stan", sentence="An 0110 with STAN 999999 answers nothing that was asked.", count=3),
    )
    return result


def invalid() -> Result:
    """A run in which the generator was the bottleneck."""
    result = made_up(seconds=20)
    result.validity = Validity(
        valid=False, reasons=("lateness p99 was 7.2 ms, above 1 ms: the generator could not keep its plan",)
    )
    return result


def _second(
    result: Result, second: int, flow: str, count: int, random: Random, slower: float, stall_at: int | None
) -> None:
    for clock in Clock:
        result.histograms[second, flow, clock] = Histogram()
    for number in range(count):
        code = random.choices(list(CODES), list(CODES.values()))[0]
        service = int(random.lognormvariate(9.0, 0.4) * slower) if code != "91" else 900
        waited = int(1e6 * (1 - number / count)) if second == stall_at else 0
        late = int(random.expovariate(1 / 90)) + 20
        result.histograms[second, flow, Clock.SERVICE].record(service)
        result.histograms[second, flow, Clock.RESPONSE].record(service + waited + late)
        result.histograms[second, flow, Clock.LATENESS].record(late)
        result.by_code.setdefault((second, flow, code), Histogram()).record(service + waited + late)
        counts = result.counts.setdefault(CountKey(second, flow, "0100", code, 1), Counts())
        counts.offered += 1
        counts.sent += 1
        counts.answered += 1
