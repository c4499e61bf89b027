"""What a restart knows: the journal read back into what the core had in its head.

Pure: records in, one by one; what they add up to out. Requests that were recorded as sent and
never as answered come out too: they are undone, never sent again.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable
from typing import NamedTuple

from protocols import elements as de
from switch.debts import WITH_ITS_ORIGINAL
from switch.ends import note_use
from switch.memory import BURIED, REVERSED, UNDELIVERED, Memory
from switch.records import Answered, Debt, NewKey, Owed, Parked, Record, Sent, Settled, pack
from switch.stood_in import StoodIn


class Found(NamedTuple):
    """What the journal says of one key: the records that a memory entry is made of."""

    sent: bytes | None
    answered: bytes | None
    mark: str | None


def gather(records: Iterable[Record], sought: Container[str], found: dict[str, Found]) -> None:
    """Add what these records say of the keys that are sought, in the order of the journal."""
    for record in records:
        if isinstance(record, Sent) and record.key in sought:
            found[record.key] = Found(pack(record), None, None)
        elif isinstance(record, Answered):
            if record.key in sought:
                before = found.get(record.key)
                found[record.key] = Found(before.sent if before else None, pack(record), None)
            if record.tombstone is not None and record.tombstone in sought and record.tombstone not in found:
                found[record.tombstone] = Found(None, None, BURIED)
            if record.reverses_key in found and record.left is None:
                found[record.reverses_key] = found[record.reverses_key]._replace(mark=REVERSED)
        elif isinstance(record, Owed) and record.key in found:
            found[record.key] = found[record.key]._replace(mark=UNDELIVERED)


def moment_of(key: str) -> str:
    """DE 7 as a key has it.

    >>> moment_of("lab/1/1118110640000001LAB00001")
    '1118110640'
    """
    begins = key.index("/") + 3
    return key[begins : begins + 10]


class Recovery:
    """The sum of all records so far."""

    __slots__ = ("debts", "keys", "last_number", "last_stans", "memory", "open", "parked", "stood_in", "used")

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.last_number = 0
        self.last_stans: dict[str, int] = {}  # by issuer
        self.used: dict[str, array[int]] = {}  # by issuer: at each STAN the DE 7 that it was last used with
        self.keys: list[NewKey] = []  # as they came
        self.debts: dict[int, Debt] = {}  # not yet acknowledged, by number
        self.parked: set[int] = set()  # of these, those that are left alone
        self.stood_in = StoodIn()
        self.open: dict[int, Sent] = {}  # sent, and never answered

    def take(self, record: Record) -> None:
        """Add one record, in the order of the journal."""
        self.last_number = max(self.last_number, record.number)
        if isinstance(record, Sent):
            self.open[record.number] = record
            self._stan(record.issuer, record.stan, moment_of(record.key))
        elif isinstance(record, Answered):
            self._answered(record)
        elif isinstance(record, Owed):
            sent = self.open.pop(record.number, None)
            if sent is not None:  # undone after an earlier restart: there never was an answer
                self.memory.keep(record.key, pack(sent), None)
            self.memory.mark(record.key, REVERSED if record.why == WITH_ITS_ORIGINAL else UNDELIVERED)
            self._owe(record.debts)
        elif isinstance(record, NewKey):
            self.keys.append(record)
        elif isinstance(record, Parked):
            (self.parked.add if record.parked else self.parked.discard)(record.number)
        elif isinstance(record, Settled):
            self.debts.pop(record.number, None)
            self.parked.discard(record.number)

    def _answered(self, record: Answered) -> None:
        sent = self.open.pop(record.number, None)
        self.memory.keep(record.key, pack(sent) if sent else None, pack(record))
        self.stood_in.take(record, sent)
        if record.issuer is not None and record.stan is not None:
            self._stan(record.issuer, record.stan)
        if record.reverses_key is not None and record.left is None:
            self.memory.mark(record.reverses_key, REVERSED)
        self.memory.follow(record)
        if record.tombstone is not None:
            self.memory.bury(record.tombstone)
        self._owe(record.debts)

    def _owe(self, debts: list[Debt]) -> None:
        for debt in debts:
            self.debts[debt.number] = debt
            self.last_number = max(self.last_number, debt.number)
            self._stan(debt.issuer, debt.stan, debt.values.get(de.TRANSMITTED_AT) or "")

    def _stan(self, issuer: str, stan: str, at: str = "") -> None:
        self.last_stans[issuer] = int(stan)
        seconds = self.used.get(issuer)
        if seconds is None:
            seconds = self.used[issuer] = array("I")
        if at:
            note_use(seconds, stan, at)
