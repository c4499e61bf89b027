"""How transactions ended, and how long things took: integers that are added to, and read by whoever asks.

Pure. Nothing here costs the hot path more than an addition: no label is made, no clock is read, no text is built
before somebody looks. No card number and no content of a message is ever among them; a reason that a bank made up
itself counts as `other`, because what peers write must not become names of ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from protocols.codes import known_reason

OTHER: Final = "other"
ENDS_MAX: Final = 4096  # kinds of an end; with one more all new ones are `other`

#: Bucket n holds what took less than 2**n tenths of a millisecond, up to 52 s: the longest deadline, and some.
TENTHS: Final = 10_000.0
BUCKETS: Final = 20
BOUNDS_S: Final = tuple(2**place / TENTHS for place in range(BUCKETS))


class Times:
    """Durations, in buckets that double.

    >>> times = Times()
    >>> times.add(0.00015); times.add(0.3, 2); times.add(1e6)
    >>> times.count, round(times.sum_s, 5), [place for place, count in enumerate(times.buckets) if count]
    (4, 1000000.60015, [1, 12, 20])
    """

    __slots__ = ("buckets", "count", "sum_s")

    def __init__(self) -> None:
        self.buckets = [0] * (BUCKETS + 1)  # the last: longer than all bounds
        self.count = 0
        self.sum_s = 0.0

    def add(self, took_s: float, times: int = 1) -> None:
        """It took so long, so many times."""
        self.buckets[min(BUCKETS, int(took_s * TENTHS).bit_length())] += times
        self.count += times
        self.sum_s += took_s * times


class Ended(NamedTuple):
    """A kind of an end."""

    participant: str  # who asked
    issuer: str  # who was asked; empty: the network refused it itself
    mti: str
    response_code: str
    reason: str  # empty: a plain approval


class Tally:
    """How many transactions ended how."""

    __slots__ = ("_ends", "refused")

    def __init__(self) -> None:
        self._ends: Counter[Ended] = Counter()
        self.refused: Counter[str] = Counter()  # by reason: answered without effect, so without a record

    def add(
        self, participant: str, issuer: str | None, mti: str, response_code: str, reason: str | None, times: int = 1
    ) -> None:
        """So many ended like this."""
        known = "" if reason is None else reason if known_reason(reason) is not None else OTHER
        end = Ended(participant, issuer or "", mti, response_code, known)
        if end not in self._ends and len(self._ends) >= ENDS_MAX:
            end = Ended(participant, issuer or "", mti, OTHER, OTHER)
        self._ends[end] += times

    def ends(self) -> Iterator[tuple[Ended, int]]:
        """Every kind, and how often."""
        return iter(self._ends.items())


class Traffic:
    """Frames on connections, by the read and the write; and those of connections that are gone, by whose they were."""

    __slots__ = ("_gone", "heard", "told")

    def __init__(self) -> None:
        self.heard: Counter[int] = Counter()  # by connection
        self.told: Counter[int] = Counter()
        self._gone: Counter[tuple[str, str, str]] = Counter()

    def closed(self, number: int, side: str, participant: str) -> None:
        """A connection is gone; what passed on it stays counted."""
        self._gone[side, participant, "in"] += self.heard.pop(number, 0)
        self._gone[side, participant, "out"] += self.told.pop(number, 0)

    def by_participant(self, links: Iterable[tuple[int, str, str]]) -> Counter[tuple[str, str, str]]:
        """Frames by side, participant and direction; `links`: those that are open, with side and participant.

        >>> traffic = Traffic()
        >>> traffic.heard[1] += 3
        >>> traffic.closed(1, "gateway", "lab")
        >>> traffic.told[2] += 1
        >>> sorted(traffic.by_participant([(2, "issuer", "nbk")]).items())[:3]
        [(('gateway', 'lab', 'in'), 3), (('gateway', 'lab', 'out'), 0), (('issuer', 'nbk', 'in'), 0)]
        """
        sums = Counter(self._gone)
        for number, side, participant in links:
            sums[side, participant, "in"] += self.heard[number]
            sums[side, participant, "out"] += self.told[number]
        return sums
