"""A result, or some seconds of it, as plain values for the way from a worker to its coordinator. Pure.

What comes back is checked as if a stranger had sent it: ValueError, and nothing else, for whatever it is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from loadtest.histogram import Histogram
from loadtest.result import COUNTED, GAUGED, Audit, Clock, CountKey, Counts, Explanation, Gauge, Meta, Result

ROWS_MAX: Final = 2_000_000  # of one message: an hour of seconds, flows, codes and links


def to_wire(result: Result) -> dict[str, Any]:
    """JSON's own types only; histograms in their encoded form."""
    return {
        "meta": result.meta.model_dump(mode="json"),
        "histograms": [
            [second, flow, clock.value, one.encoded()] for (second, flow, clock), one in result.histograms.items()
        ],
        "by_code": [[second, flow, code, one.encoded()] for (second, flow, code), one in result.by_code.items()],
        "counts": [[*key, *(getattr(one, name) for name in COUNTED)] for key, one in result.counts.items()],
        "gauges": [[*place, *(getattr(one, name) for name in GAUGED)] for place, one in result.gauges.items()],
        "audit": result.audit.model_dump(mode="json"),
        "explanations": [one.model_dump() for one in result.explanations],
    }


def from_wire(told: Mapping[str, Any], first_link: int = 0) -> Result:
    """The inverse. `first_link` is added to its links' numbers: each worker has links of its own."""
    try:
        return _result(told, first_link)
    except (TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"not a result: {type(error).__name__}") from None


def _result(told: Mapping[str, Any], first_link: int) -> Result:
    if sum(len(told[name]) for name in ("histograms", "by_code", "counts", "gauges")) > ROWS_MAX:
        raise ValueError("a result of too many rows")
    result = Result(Meta.model_validate(told["meta"]), audit=Audit.model_validate(told["audit"]))
    for second, flow, clock, text in told["histograms"]:
        result.histograms[_whole(second), str(flow), Clock(clock)] = Histogram.decoded(text)
    for second, flow, code, text in told["by_code"]:
        result.by_code[_whole(second), str(flow), str(code)] = Histogram.decoded(text)
    for second, flow, mti, code, link, *numbers in told["counts"]:
        key = CountKey(_whole(second), str(flow), str(mti), str(code), _link(link, first_link))
        result.counts[key] = Counts(*_all(numbers, len(COUNTED)))
    for second, link, *numbers in told["gauges"]:
        result.gauges[_whole(second), _link(link, first_link)] = Gauge(*_all(numbers, len(GAUGED)))
    result.explanations = tuple(Explanation.model_validate(one) for one in told["explanations"])
    return result


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a result: a number is expected")
    return value


def _all(values: list[Any], count: int) -> list[int]:
    if len(values) != count:
        raise ValueError("not a result: a row of another length")
    return [_whole(value) for value in values]


def _link(link: Any, first: int) -> int:
    """What was not sent has no link, whoever did not send it."""
    number = _whole(link)
    return number + first if number >= 0 else number
