"""The trail: what the journal was given lately, to follow a transaction by.

Pure. A batch costs one addition; nothing is unpacked before somebody asks about a transaction, and then only what the
bound lets lie here. Whatever is older, the archive knows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from switch.records import Answered, Owed, Record, Sent, Settled, unpack

RECORDS_MAX: Final = 5000  # some 10 ms to look through


class Trail:
    """The last batches.

    >>> trail = Trail()
    >>> trail.add([b""] * RECORDS_MAX); trail.add([b""])
    >>> len(trail)
    1
    """

    __slots__ = ("_batches", "_count")

    def __init__(self) -> None:
        self._batches: deque[list[bytes]] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, batch: list[bytes]) -> None:
        """A batch that is on disk."""
        self._batches.append(batch)
        self._count += len(batch)
        while self._count > RECORDS_MAX:
            self._count -= len(self._batches.popleft())

    def about(self, number: int) -> Iterator[Record]:
        """Every record of, or about, the transaction of this number, in their order."""
        debts: set[int] = set()  # that were made for it by another transaction, too
        for batch in self._batches:
            for packed in batch:
                record = unpack(packed)
                if concerns(record, number, debts):
                    yield record


def concerns(record: Record, number: int, debts: set[int]) -> bool:
    """Whether a record belongs to the story of this transaction; the debts that it makes from then on belong to it."""
    if isinstance(record, Settled):
        return record.transaction == number or record.number in debts
    if isinstance(record, Sent):
        return record.number == number
    if isinstance(record, Answered | Owed):
        debts.update(debt.number for debt in record.debts if number in (record.number, debt.transaction))
        return number in (record.number, record.reverses if isinstance(record, Answered) else None) or any(
            debt.transaction == number for debt in record.debts
        )
    return False
