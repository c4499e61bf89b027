"""Figures as a person reads them: times with a fitting unit, thin spaces between thousands. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from protocols.codes import is_approval, response_title
from protocols.money import UnknownCurrencyError, currency_numbered

THIN: Final = "\N{NARROW NO-BREAK SPACE}"
NONE: Final = "–"


def time_of(us: float | None) -> str:
    """A time of so many microseconds, three digits.

    >>> time_of(870), time_of(1234), time_of(43_210), time_of(2_500_000), time_of(None)
    ('870 µs', '1.23 ms', '43.2 ms', '2.50 s', '–')
    """
    if us is None:
        return NONE
    for unit, scale in (("s", 1_000_000), ("ms", 1000)):
        if us >= scale:
            value = us / scale
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{us:.0f} µs"


def number_of(value: float) -> str:
    """
    >>> number_of(1234567).replace(THIN, " "), number_of(0.25), number_of(12.04), number_of(412.7)
    ('1 234 567', '0.25', '12.0', '413')
    """
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}".replace(",", THIN)
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def share_of(part: float, whole: float) -> str:
    """
    >>> share_of(1, 3), share_of(1, 100_000), share_of(0, 5), share_of(5, 5), share_of(1, 0)
    ('33.3 %', '0.001 %', '0 %', '100 %', '–')
    """
    if not whole:
        return NONE
    percent = 100 * part / whole
    if percent in (0.0, 100.0):
        return f"{percent:.0f} %"
    return f"{percent:.3f} %" if percent < 0.1 else f"{percent:.2f} %" if percent > 99.9 else f"{percent:.1f} %"


_IN_US: Final = {"us": 1, "µs": 1, "ms": 1000, "s": 1_000_000}
_UNIT: Final = re.compile(r"(/s|[%a-zµ]*)\s*$")


def measured_as(threshold: str, value: float | None) -> str:
    """What was measured, in a fitting unit; `value` is in that of the threshold's text.

    >>> measured_as("response.p99 < 2s", 0.0578), measured_as("approved.ratio > 97%", 98.5), measured_as("lost == 0", 0)
    ('57.8 ms', '98.5 %', '0')
    """
    if value is None:
        return NONE
    found = _UNIT.search(threshold)
    unit = found[1] if found else ""
    if unit in _IN_US:
        return time_of(value * _IN_US[unit])
    said = number_of(value)
    return f"{said} %" if unit == "%" else said + unit


def currency_named(number: str) -> str:
    """A currency by its letters, where the number is one.

    >>> currency_named("784"), currency_named("000")
    ('AED', '000')
    """
    try:
        return currency_numbered(number).code
    except UnknownCurrencyError:
        return number


def is_good(code: str) -> bool:
    """Whether an answer's code says yes: DE 39, or a status of HTTP.

    >>> is_good("00"), is_good("51"), is_good("201"), is_good("402 payment.declined")
    (True, False, True, False)
    """
    return is_approval(code) or (len(code) == 3 and code[0] == "2")


def title_of(code: str) -> str:
    """What a code means: DE 39, or a status of HTTP.

    >>> title_of("51"), title_of("402 payment.declined"), title_of("299")
    ('Not sufficient funds', 'Payment Required', '')
    """
    if len(code) == 2:
        return response_title(code)
    statuses = {str(status.value): status.phrase for status in HTTPStatus}
    return statuses.get(code[:3], "")


def minor_of(value: int) -> str:
    """Minor units, as they are: what a currency's decimals are is its own business."""
    return f"{value:,d}".replace(",", THIN)
