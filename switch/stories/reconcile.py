"""The story of a reconciliation: 0500 or 0520 in, 0510 or 0530 out. Do you have what I have?

The asker says what it counted on a business date (DE 15, today without it) in a currency (DE 50 or 49, else the
agreed one), and hears our own totals in the same elements. DE 66 says whether the two agree: 1 in balance,
2 out of balance. A request that is out of balance is declined with 95; an advice is acknowledged all the same.
How the totals are made is `switch.totals`'s.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from protocols import elements as de
from protocols.codes import APPROVED
from protocols.message import Message
from protocols.money import UnknownCurrencyError, currency
from protocols.mti import is_advice
from switch.configuration import Configuration
from switch.request import Request
from switch.story import Story, Total, Verdict, declined
from switch.totals import SPOKEN, Figures, business_date

IN_BALANCE, OUT_OF_BALANCE = "1", "2"


def reconcile(request: Request, _network: Configuration) -> Story:
    """Add up, compare, and tell."""
    message = request.message
    money = currency_of(request)
    if money is None:
        return declined("missing.de50")
    day = day_of(message.get(de.SETTLEMENT_DATE), business_date(request.received_at))
    if day is None:
        return declined("format.de15")
    figures: Figures = yield Total(day, money)
    elements = figures.elements() | {de.SETTLEMENT_DATE: f"{day:%m%d}", de.SETTLEMENT_CURRENCY: money}
    if not any(number in message for number in SPOKEN):
        return Verdict(APPROVED, elements=elements)  # the asker counted nothing and only wants to know
    if agrees(message, elements):
        return Verdict(APPROVED, elements=elements | {de.SETTLEMENT_CODE: IN_BALANCE})
    elements[de.SETTLEMENT_CODE] = OUT_OF_BALANCE
    if is_advice(request.mti):
        return Verdict(APPROVED, reason="totals.differ", elements=elements, trouble="totals.differ")
    verdict = declined("totals.differ")
    verdict.elements = elements
    return verdict


def agrees(message: Message, elements: dict[int, str]) -> bool:
    """Whether every figure that the asker gives is ours."""
    return all(message.get(number) in (None, elements.get(number)) for number in SPOKEN)


def currency_of(request: Request) -> str | None:
    """The currency's number: as the message says, else the agreed one."""
    said = request.message.get(de.SETTLEMENT_CURRENCY) or request.message.get(de.CURRENCY)
    agreed = request.participant.currency
    if said is not None or agreed is None:
        return said
    try:
        return currency(agreed).number
    except UnknownCurrencyError:
        return None


def day_of(said: str | None, today: date) -> date | None:
    """DE 15 (MMDD) in the year in which it is nearest; None where no near year has such a day.

    >>> day_of("1231", date(2027, 1, 2)), day_of("0229", date(2026, 6, 1)), day_of(None, date(2026, 6, 1))
    (datetime.date(2026, 12, 31), None, datetime.date(2026, 6, 1))
    """
    if said is None:
        return today
    found = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            found.append(datetime(year, int(said[:2]), int(said[2:]), tzinfo=UTC).date())
        except ValueError:
            continue
    return min(found, key=lambda day: abs((day - today).days), default=None)
