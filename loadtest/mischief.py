"""Mischief: the faults that we make ourselves, beside messages that go out as they should. Each is booked.

What a host says to them is nobody's finding (`is_noise`). Which links are broken, and which are read slowly, is the
shell's. Pure: the randomness and the time come in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from loadtest.chance import Chance
from loadtest.lane import Lane
from loadtest.ledger import Entry, Ledger, MatchKey
from loadtest.messages import LINK, Messages
from loadtest.plan import NANO
from loadtest.scenario import Chaos
from protocols.framing import Framing

LATER_NS: Final = NANO  # a duplicate that comes later comes within a second
NOISE_MAX: Final = 1000  # damaged messages whose answers are still known as such
WHY_UNDELIVERED: Final = "22"


class Desk(Protocol):
    """As much of the traffic as mischief needs."""

    ledger: Ledger
    messages: Messages
    dirty: set[Lane]

    def at(self, when: int, act: Callable[..., None], *given: Any) -> None: ...
    def launch(self, entry: Entry, lane: Lane, now: int) -> None: ...


class Mischief:
    def __init__(self, chaos: Chaos, desk: Desk, framing: Framing, chance: Chance) -> None:
        self._chaos, self._desk, self._framing, self._chance = chaos, desk, framing, chance
        self._noise: dict[MatchKey, None] = {}

    def is_noise(self, key: MatchKey) -> bool:
        """Whether an answer is to something that we damaged."""
        return key in self._noise

    def storm(self, like: Entry | None, lane: Lane, now: int) -> None:
        """Reversals of what the host never heard of, as a link comes back; `like` what was sent last."""
        for _ in range(self._chaos.storm if like is not None else 0):
            assert like is not None
            self._desk.ledger.inject("storm")
            values = dict(zip(like.template.holes, like.values, strict=True)) | self._desk.messages.moment(now)
            self._unfounded(self._desk.messages.made(like.template, values, LINK, now), lane, now)

    def beside(self, entry: Entry, lane: Lane, frame: bytes, now: int) -> None:
        """Faults beside a message that itself goes out as it should."""
        chaos, draw, inject = self._chaos, self._chance.random, self._desk.ledger.inject
        if entry.flow == LINK or entry.undoes is not None:
            return
        if draw() < chaos.reversal_first:
            inject("reversal_first")
            self._unfounded(entry, lane, now)
        if draw() < chaos.garbage:
            inject("garbage")
            lane.out.append(self._framing.pack(bytes(int(draw() * 256) for _ in range(20 + int(draw() * 60)))))
        if draw() < chaos.bad_input:
            inject("bad_input")
            lane.out.append(self._damaged(entry))
        if draw() < chaos.duplicate:
            inject("duplicate")
            entry.sendings += 1
            lane.out.append(frame)
        if draw() < chaos.duplicate_later:
            inject("duplicate_later")
            entry.sendings += 1
            self._desk.at(now + int(draw() * LATER_NS), self._later, lane, frame)
        if draw() < chaos.conflicting_duplicate and 4 in entry.template.numbers:
            inject("conflicting_duplicate")
            place = entry.template.numbers.index(4)
            other = f"{int(entry.values[place]) % 10**11 + 1:012d}"
            entry.sendings += 1
            entry.has_conflict = True
            values = (*entry.values[:place], other, *entry.values[place + 1 :])
            self._desk.at(now + NANO // 100, self._later, lane, entry.template.render(values))

    def _later(self, lane: Lane, frame: bytes, now: int) -> None:
        if lane.is_up:
            lane.out.append(frame)
            self._desk.dirty.add(lane)

    def _damaged(self, like: Entry) -> bytes:
        """A message of its own with one byte that cannot be what it should be, in a frame that is whole."""
        values = dict(zip(like.template.holes, like.values, strict=True))
        made = self._desk.messages.made(like.template, values, LINK, like.planned)
        self._noise[made.key] = None
        if len(self._noise) > NOISE_MAX:
            del self._noise[next(iter(self._noise))]
        body = bytearray(like.template.render(made.values)[self._framing.width :])
        at = min(len(body) - 1, 4 + int(self._chance.random() * max(len(body) - 4, 1)))
        body[at] ^= 0x80 | int(self._chance.random() * 127)
        return self._framing.pack(bytes(body))

    def _unfounded(self, entry: Entry, lane: Lane, now: int) -> None:
        """A reversal of a message that its receiver cannot know yet; what is said to it is nobody's finding."""
        reversal = self._desk.messages.reversal(entry, WHY_UNDELIVERED, now, now)
        reversal.undoes = None
        reversal.flow = LINK
        self._desk.launch(reversal, lane, now)


def is_on(chaos: Chaos) -> bool:
    """Whether any message is ever disturbed."""
    shares = (
        "duplicate",
        "duplicate_later",
        "conflicting_duplicate",
        "reversal_first",
        "garbage",
        "bad_input",
        "storm",
    )
    return any(getattr(chaos, name) for name in shares)
