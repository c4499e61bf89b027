"""What the switch remembers of recent transactions, to answer repeats and to find originals.

An entry is the two journal records of a transaction as packed bytes, which exist anyway: no
object is kept per transaction, and the collector has nothing to walk. Bounded by count; the
oldest goes first. What it has forgotten the archive still knows: the core asks there for a repeat
or an original that may be older than this memory, so that no reversal is ever lost to age.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple, cast

from protocols import elements as de
from protocols.codes import is_approval
from protocols.dialects import dialect_named
from protocols.message import Message
from protocols.money import AMOUNT_DIGITS
from protocols.mti import FINANCIAL
from protocols.original import Original
from protocols.subelements import is_last_part
from switch import records
from switch.records import Answered, Sent

#: About 100 MB at 500 bytes each.
REMEMBERED_MAX = 200_000

#: Seconds of DE 7 of which something was let go: about a day of them by themselves; older ones by the minute.
SECONDS_MAX = 100_000

REVERSED = "reversed"  # by its own gateway
UNDELIVERED = "undelivered"  # by us: nobody heard the approval
BURIED = "buried"  # in the archive only: it was reversed before it came
TOLD = "told"  # not undone: a repeat heard the answer, so it counts as told


class Taken(NamedTuple):
    """What shops have taken of what an authorization reserved."""

    by: str  # the key of the last that took
    amount: int  # of all so far, in the shop's currency
    billed: int  # the same in the holder's
    is_last: bool


class Past:
    """An earlier transaction, read back from its records."""

    __slots__ = ("_message", "answered", "increases", "key", "left", "reversed_by", "sent", "taken", "was_told")

    def __init__(self, key: str, sent: bytes | None, answered: bytes | None, mark: str | None = None) -> None:
        self.key = key
        self.sent = cast(Sent, records.unpack(sent)) if sent else None
        self.answered = cast(Answered, records.unpack(answered)) if answered else None
        self.reversed_by = None if mark == TOLD else mark
        self.was_told = mark == TOLD
        self.taken: Taken | None = None
        self.left: int | None = None  # what a partial reversal has left of it, in the shop's currency
        self.increases: list[Past] = []  # later authorizations that raised it, and stand
        self._message: Message | None = None

    @property
    def message(self) -> Message:
        """What was asked, as far as it may be kept."""
        if self._message is None:
            record = self.sent or self.answered
            assert record is not None
            assert record.frame is not None
            self._message = dialect_named(record.dialect).decode(record.frame)
        return self._message

    @property
    def number(self) -> int:
        """The transaction's number."""
        return self._record.number

    @property
    def at(self) -> float:
        """When it was asked, or answered where it was not sent on; seconds since 1970."""
        return self._record.at

    @property
    def mti(self) -> str:
        """Its message type."""
        return self._record.mti

    @property
    def _record(self) -> Sent | Answered:
        record = self.sent or self.answered
        assert record is not None
        return record

    @property
    def was_sent(self) -> bool:
        """Whether its issuer may have seen it, or is owed an advice of it."""
        return self.sent is not None or bool(self.answered and self.answered.debts)

    @property
    def completed_by(self) -> str | None:
        """The key of what took all that shall be taken of what this one had reserved."""
        return self.taken.by if self.taken is not None and self.taken.is_last else None

    @property
    def reserved(self) -> int:
        """What may be taken in all, in the shop's currency."""
        return self.amount + sum(increase.amount for increase in self.increases)

    @property
    def to_take(self) -> int:
        """The same after what was given back of it in part."""
        return self.reserved if self.left is None or self.increases else self.left

    @property
    def completes(self) -> str | None:
        """The key of the request whose reservation this one took."""
        took = self.answered is not None and self.answered.mti[1] == FINANCIAL
        return self.answered.reverses_key if self.answered is not None and took else None

    @property
    def declined(self) -> bool:
        """Whether it ended without moving money."""
        return self.answered is not None and not is_approval(self.answered.response_code)

    @property
    def card_number(self) -> str:
        """Clear."""
        return self.message.get(de.PAN) or ""

    @property
    def amount(self) -> int:
        """DE 4, in minor units."""
        return int(self.message.get(de.AMOUNT) or 0)

    @property
    def currency(self) -> str:
        """DE 49."""
        return self.message.get(de.CURRENCY) or ""


def second_of(key: str) -> str:
    """Participant, class and DE 7 of a key, without what tells one request of that second from another.

    >>> second_of("lab/1/1118110640000001LAB00001")
    'lab/1/1118110640'
    """
    return key[: key.index("/") + 13]


class Memory:
    """Key -> records of the recent transactions."""

    __slots__ = (
        *("_entries", "_forgotten", "_forgotten_minutes", "_increases", "_left", "_order", "_taken", "_tombstones"),
        *("bound", "has_forgotten"),
    )

    def __init__(self, bound: int = REMEMBERED_MAX) -> None:
        self.bound = bound
        self._entries: dict[str, tuple[bytes | None, bytes | None, str | None]] = {}
        self._order: deque[str] = deque()
        self.has_forgotten = False  # whether something older than all that is here has been let go
        self._forgotten: dict[str, None] = {}  # participant, class and DE 7 of what was let go, by the second
        self._forgotten_minutes: set[str] = set()
        self._tombstones: dict[str, None] = {}
        self._taken: dict[str, Taken] = {}  # by the key of what was reserved
        self._left: dict[str, int] = {}  # by the key of what was reversed in part
        self._increases: dict[str, list[str]] = {}  # by the key of what was increased

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def recent(self) -> Iterator[str]:
        """The keys of what is remembered, the last first. Not while anything is added."""
        return reversed(self._order)

    def knows(self, key: str) -> bool:
        """Whether a request with this key is not the first, or may not be taken."""
        known = key in self._entries or key in self._tombstones
        return known or (self.has_forgotten and self.may_have_forgotten(key))

    def knows_none(self, keys: Sequence[str], seconds: Iterable[str]) -> bool:
        """Whether requests with these keys are all the first. `seconds`: what their keys begin with (`second_of`)."""
        if not (self._entries.keys().isdisjoint(keys) and self._tombstones.keys().isdisjoint(keys)):
            return False
        if not self.has_forgotten:
            return True
        return not any(second in self._forgotten or second[:-2] in self._forgotten_minutes for second in seconds)

    def may_have_forgotten(self, key: str) -> bool:
        """Whether something of the same participant, class and second of DE 7 was let go: the archive knows more.

        Exact to the second, so a request whose DE 7 is new never pays; what is older than a day, to the minute.
        """
        second = second_of(key)
        return second in self._forgotten or second[:-2] in self._forgotten_minutes

    def _forget(self, key: str) -> None:
        self.has_forgotten = True
        self._forgotten[second_of(key)] = None
        if len(self._forgotten) > SECONDS_MAX:
            oldest = next(iter(self._forgotten))
            del self._forgotten[oldest]
            self._forgotten_minutes.add(oldest[:-2])

    def keep(self, key: str, sent: bytes | None, answered: bytes | None) -> None:
        """Remember how a transaction ended."""
        if key not in self._entries:
            self._order.append(key)
            if len(self._order) > self.bound:
                oldest = self._order.popleft()
                self._entries.pop(oldest, None)
                self._forget(oldest)
        self._entries[key] = (sent, answered, None)

    def put_in_order(self) -> None:
        """After all entries were put in at once: they go in the order in which they came."""
        self._order = deque(self._entries)

    def keep_all(self, keys: Sequence[str], sent: Iterable[bytes], answered: Iterable[bytes]) -> None:
        """Remember how as many transactions ended, none of which is remembered yet."""
        self._order.extend(keys)
        self._entries.update(zip(keys, zip(sent, answered, repeat(None)), strict=False))  # None: for ever
        entries, order, second = self._entries, self._order, None
        for _ in range(len(order) - self.bound):
            oldest = order.popleft()
            entries.pop(oldest, None)
            if second is None or not oldest.startswith(second):  # a second goes with all its requests, or nearly
                second = second_of(oldest)
                self._forget(oldest)

    def mark(self, key: str, mark: str) -> None:
        """What has become of it since: REVERSED, UNDELIVERED or TOLD."""
        if (entry := self._entries.get(key)) is not None:
            self._entries[key] = (entry[0], entry[1], mark)

    def recall(self, key: str) -> Past | None:
        """The transaction with this key, if it is recent enough."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        past = Past(key, *entry)
        past.taken = self._taken.get(key)
        past.left = self._left.get(key)
        for increase in self._increases.get(key, ()):
            if (found := self.recall(increase)) is not None and not found.reversed_by:
                past.increases.append(found)
        return past

    def follow(self, record: Answered) -> None:
        """What an answer says of an earlier authorization: more was reserved, or some was taken or given back."""
        if record.reverses_key is None:
            if de.ORIGINAL in record.elements:
                _, _, known_by = record.key.split("/", 2)
                original = Original.parse(record.elements[de.ORIGINAL])
                known = f"{original.transmitted_at}{original.stan}{known_by[16:]}"
                self._note(self._increases, f"{record.participant}/{original.mti[1]}/{known}", record.key)
        elif record.left is not None and record.debts:
            self._count(record.reverses_key, record.left, record)

    def _note(self, kept: dict[str, list[str]], key: str, another: str) -> None:
        kept.setdefault(key, []).append(another)
        if len(kept) > self.bound:
            del kept[next(iter(kept))]

    def _count(self, key: str, billed: int, record: Answered) -> None:
        """How much is taken by now. What a reversal gave back is not the end: further parts may come."""
        before, told = self._taken.get(key), record.debts[0].values
        if record.mti[1] == FINANCIAL:
            amount = int(told.get(de.AMOUNT) or 0) + (before.amount if before else 0)
            self._taken[key] = Taken(record.key, amount, billed, is_last_part(told.get(de.PRIVATE_DATA)))
        elif (left := told.get(de.REPLACEMENT_AMOUNTS)) is not None:
            if before is not None:
                self._taken[key] = before._replace(amount=int(left[:AMOUNT_DIGITS]), billed=billed)
            else:
                self._left[key] = int(left[:AMOUNT_DIGITS])
        for kept in (self._taken, self._left):
            if len(kept) > self.bound:
                del kept[next(iter(kept))]

    def bury(self, key: str) -> None:
        """A reversal came before its original: remember to refuse the original."""
        self._tombstones[key] = None
        if len(self._tombstones) > self.bound:
            oldest = next(iter(self._tombstones))
            del self._tombstones[oldest]
            self._forget(oldest)

    def is_buried(self, key: str) -> bool:
        """Whether a request with this key was reversed before it came."""
        return key in self._tombstones
