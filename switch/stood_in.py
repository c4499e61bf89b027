"""What the switch has approved in its issuers' place: how often, and how much, by card and business date.

Pure. The counters are the switch's own, for the issuer is not there to be asked. Every stand-in approval is a
journal record, and a restart counts those again. What was stood in for counts although it
may be reversed later: a card that is tried out must not win its limit back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from protocols import elements as de
from protocols.dialects import dialect_named
from switch.records import Answered, Sent
from switch.totals import business_date

DAYS_KEPT = 2  # the business date, and the one before for clocks that step


class Spent(NamedTuple):
    """Of one card on one business date."""

    times: int
    amount: int  # minor units of the card's currency


NOTHING = Spent(0, 0)


class StoodIn:
    """The counters.

    >>> counters = StoodIn()
    >>> counters.add("9414100000000017", 0.0, 500)
    >>> counters.today("9414100000000017", 3600.0), counters.today("9414100000000017", 86400.0)
    (Spent(times=1, amount=500), Spent(times=0, amount=0))
    """

    __slots__ = ("_by_day",)

    def __init__(self) -> None:
        self._by_day: dict[date, dict[str, Spent]] = {}  # by card number, in clear: never shown, never written

    def today(self, card_number: str, at: float) -> Spent:
        """What was stood in for so far on the business date of this moment."""
        return self._by_day.get(business_date(at), {}).get(card_number, NOTHING)

    def spent_on(self, at: float) -> Iterator[tuple[str, Spent]]:
        """Every card that was stood in for on the business date of this moment, by its number in clear, and how far."""
        return iter(self._by_day.get(business_date(at), {}).items())

    def add(self, card_number: str, at: float, amount: int) -> None:
        """One more approval in the issuer's place."""
        day = business_date(at)
        before = self._by_day.setdefault(day, {}).get(card_number, NOTHING)
        self._by_day[day][card_number] = Spent(before.times + 1, before.amount + amount)
        while len(self._by_day) > DAYS_KEPT:
            del self._by_day[min(self._by_day)]

    def days(self) -> Iterable[tuple[date, Mapping[str, Spent]]]:
        """Everything that is counted, by day and card number: in clear, for a sealed snapshot only."""
        return self._by_day.items()

    def put(self, day: date, card_number: str, spent: Spent) -> None:
        """A counter as it stood."""
        self._by_day.setdefault(day, {})[card_number] = spent

    def take(self, record: Answered, sent: Sent | None) -> None:
        """Count a record of the journal, if it is of a stand-in approval."""
        kept = sent or record
        if not record.stand_in or kept.frame is None:
            return
        message = dialect_named(kept.dialect).decode(kept.frame)
        amount = record.elements.get(de.BILLING_AMOUNT) or message.get(de.AMOUNT) or "0"
        self.add(message.get(de.PAN) or "", record.at, int(amount))
