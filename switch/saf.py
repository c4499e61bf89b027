"""Store and forward (SAF): messages that must arrive, however long it takes.

Pure: time and randomness come in as arguments, messages go out as a return value. The core
sends what is due and reports what was acknowledged, what met silence, what was refused. A
message is first sent as itself (0420), then as its repeat (0421), unchanged in every element.
Order holds within one transaction only, so that one bad entry never blocks the others.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from protocols.mti import repeat_of
from switch.records import Debt

IN_FLIGHT_MAX = 32  # per issuer: enough to keep its link busy, too few to drown it when it returns
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
DOUBLED_MAX = 16  # more often than it takes to reach the longest; a day of silence is a power of two with no float
JITTER = 0.2  # so that a thousand entries do not knock at the same moment
REFUSALS_MAX = 5  # what was refused so often will not be taken: it is parked, and people are told
ALARM_TRIES = 6  # sent so often without an acknowledgement: people should know, and trying goes on
ALARM_S = 600.0  # or owed for so long, even if there was no link to try on


class Randomness(Protocol):
    """What we need of a seeded generator."""

    def uniform(self, a: float, b: float) -> float:
        """A number between the two."""


class Entry:
    """One message owed, and how far we got with it."""

    __slots__ = ("alarmed", "debt", "in_flight_until", "next_at", "parked", "refusals", "since", "tries")

    def __init__(self, debt: Debt, next_at: float) -> None:
        self.debt = debt
        self.tries = 0
        self.refusals = 0
        self.next_at = next_at
        self.since = next_at
        self.in_flight_until: float | None = None
        self.parked = False
        self.alarmed = False

    @property
    def mti(self) -> str:
        """The message type to send now: the first sending's, or the repeat's."""
        return repeat_of(self.debt.mti) if self.tries else self.debt.mti


class StoreAndForward:
    """What is owed to one issuer."""

    __slots__ = (
        *("_alarms", "_by_stan", "_by_transaction", "_due", "_in_flight", "_random", "_ties", "_young", "patience_s"),
    )

    def __init__(self, patience_s: float, random: Randomness) -> None:
        self.patience_s = patience_s  # how long an acknowledgement may take
        self._random = random
        self._by_stan: dict[str, Entry] = {}
        self._by_transaction: dict[int, list[Entry]] = {}
        self._due: list[tuple[float, int, Entry]] = []
        self._in_flight: dict[str, Entry] = {}
        self._young = deque[Entry]()  # in the order of their age: those that may still become too old
        self._alarms: list[Entry] = []
        self._ties = itertools.count()  # first come, first sent, among those due at one moment

    def __len__(self) -> int:
        return len(self._by_stan)

    def __contains__(self, stan: str) -> bool:
        return stan in self._by_stan

    def has_none(self, stans: Iterable[str]) -> bool:
        """Whether nothing is owed under any of these numbers."""
        return self._by_stan.keys().isdisjoint(stans)

    def entries(self) -> Iterator[Entry]:
        """Everything still owed, parked entries included."""
        return iter(self._by_stan.values())

    def add(self, debt: Debt, now: float) -> None:
        """Owe a message from now on."""
        entry = Entry(debt, now)
        self._by_stan[debt.stan] = entry
        self._young.append(entry)
        lane = self._by_transaction.setdefault(debt.transaction, [])
        lane.append(entry)
        if len(lane) == 1:
            self._schedule(entry, now)

    def due(self, now: float) -> list[Entry]:
        """What to send now; each counts as in flight until acknowledged, refused or met with silence."""
        found: list[Entry] = []
        while self._due and self._due[0][0] <= now and len(self._in_flight) < IN_FLIGHT_MAX:
            at, _, entry = heapq.heappop(self._due)
            if self._waits_for(entry, at):
                entry.in_flight_until = now + self.patience_s
                self._in_flight[entry.debt.stan] = entry
                found.append(entry)
        return found

    def _waits_for(self, entry: Entry, at: float) -> bool:
        """Whether this moment is still the entry's: it may have been sent, settled or moved since it was scheduled."""
        waiting = entry.in_flight_until is None and not entry.parked
        return waiting and entry.next_at == at and self._by_stan.get(entry.debt.stan) is entry

    def entry(self, stan: str) -> Entry | None:
        """The message that was sent under this STAN."""
        return self._by_stan.get(stan)

    def settle(self, entry: Entry, now: float) -> None:
        """It arrived. What else is owed for the same transaction may go next."""
        self._in_flight.pop(entry.debt.stan, None)
        del self._by_stan[entry.debt.stan]
        lane = self._by_transaction[entry.debt.transaction]
        lane.remove(entry)
        if lane:
            self._schedule(lane[0], now)
        else:
            del self._by_transaction[entry.debt.transaction]

    def refuse(self, entry: Entry, now: float) -> bool:
        """It was refused. True when it is parked now: retrying does not help, people must look."""
        entry.refusals += 1
        entry.parked = entry.refusals >= REFUSALS_MAX
        self._again(entry, now)
        return entry.parked

    def not_now(self, entry: Entry, now: float) -> None:
        """It was refused for a trouble that passes by itself: as if nobody had answered."""
        self._again(entry, now)

    def retry(self, stan: str, now: float) -> bool:
        """People want it sent now: parked or not, it starts anew. False: nothing is owed under this STAN."""
        entry = self._by_stan.get(stan)
        if entry is None:
            return False
        entry.parked, entry.refusals = False, 0
        if entry.in_flight_until is None and self._by_transaction[entry.debt.transaction][0] is entry:
            self._schedule(entry, now)
        return True

    def park(self, stan: str) -> bool:
        """People want it left alone until they say so. False: nothing is owed under this STAN."""
        entry = self._by_stan.get(stan)
        if entry is None:
            return False
        self._in_flight.pop(stan, None)
        entry.in_flight_until, entry.parked = None, True
        return True

    def alarms(self, now: float) -> list[Entry]:
        """What people should hear of now: tried too often, or owed too long. Each entry once; trying goes on."""
        while self._young and self._young[0].since + ALARM_S <= now:
            self._alarm(self._young.popleft())
        alarms, self._alarms = self._alarms, []
        return alarms

    def _alarm(self, entry: Entry) -> None:
        if not entry.alarmed and self._by_stan.get(entry.debt.stan) is entry:
            entry.alarmed = True
            self._alarms.append(entry)

    def silent(self, now: float) -> int:
        """Put back what nobody acknowledged in time; how many these were."""
        late = [entry for entry in self._in_flight.values() if (entry.in_flight_until or 0) <= now]
        for entry in late:
            self._again(entry, now)
        return len(late)

    def link_lost(self, now: float) -> None:
        """Nothing in flight will be acknowledged on a link that is gone: send again, as repeats, when one is back."""
        for entry in list(self._in_flight.values()):
            self._again(entry, now)

    def hurry(self, now: float) -> None:
        """The issuer is back: what waited out a back-off need not wait for its end."""
        for entry in self._by_stan.values():
            first = self._by_transaction[entry.debt.transaction][0]
            if entry is first and entry.in_flight_until is None and not entry.parked:
                self._schedule(entry, now)

    def _again(self, entry: Entry, now: float) -> None:
        self._in_flight.pop(entry.debt.stan, None)
        entry.in_flight_until = None
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(entry.tries, DOUBLED_MAX))
        entry.tries += 1
        if entry.tries >= ALARM_TRIES:
            self._alarm(entry)
        if not entry.parked:
            self._schedule(entry, now + wait * self._random.uniform(1 - JITTER, 1 + JITTER))

    def _schedule(self, entry: Entry, at: float) -> None:
        entry.next_at = at
        heapq.heappush(self._due, (at, next(self._ties), entry))
