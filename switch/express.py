"""Requests in the lane, and their approvals: the two loops that most of the traffic passes through.

Each looks at a whole read of frames at once. A frame that is not plain in every respect goes the long way
(`Core` and its stories), in its place among the others: nothing is refused here, nothing is decided. See `lane`
for what is plain, and for the promise that both ways lead to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from protocols.codec.room import make_room
from protocols.codes import APPROVED
from protocols.pan import luhn_valid
from protocols.values import NO_NUMBER
from switch import convoy
from switch.lane import AnswerLane, Lane, Passage, Plain, answer_lane_of, lane_of
from switch.make import answer_make, request_make
from switch.records import moment

if TYPE_CHECKING:
    from switch.core import Core
    from switch.ends import LinkEnd
    from switch.instant import Instant

LANES_MAX: Final = 256  # layouts from one participant
NOTHING: Final = "000000000000"
HOUR_S: Final = 3600.0

LongWay = Callable[["LinkEnd", bytes, "Instant"], None]
Read = tuple["LinkEnd", list[bytes]]  # what one connection sent

FEWEST: Final = 4  # frames that are worth the trouble of a convoy
MOST: Final = 256  # what is laid out in columns should still be in the cache when it is put together


class Express:
    """What the two loops remember between reads."""

    def __init__(self, core: Core, long_way: LongWay) -> None:
        self._core = core
        self._long_way = long_way
        # By participant and dialect, for one may speak two; then by how a frame begins.
        self._lanes: dict[tuple[str, str], dict[bytes, Lane | None]] = {}
        self._answer_lanes: dict[tuple[str, str], dict[bytes, AnswerLane | None]] = {}
        self._hour = 0

    def requests(self, reads: Sequence[Read], now: Instant) -> None:
        """What connections of one gateway sent: the plain ones out to their issuers, all others the long way."""
        self._turn_the_hour(now)
        link = reads[0][0]
        lanes, size = self._lanes.setdefault((link.participant.id, link.dialect.name), {}), link.dialect.shortest_head
        turns: convoy.Turns = {}
        for owners, frames in _alike(reads):
            head = frames[0][:size]
            lane = lanes.get(head)
            make = _make_of(lane, frames[0], request_make) if lane is not None and len(frames) >= FEWEST else None
            one_by_one = partial(self._one_by_one, lanes, turns, now)
            if make is None or not make.trust.tries():
                one_by_one(owners, frames)
                continue
            together = partial(convoy.requests, self._core, make, turns=turns, now=now)
            make.trust.learn(_in_halves(owners, frames, together, one_by_one), len(frames))

    def _one_by_one(
        self,
        lanes: dict[bytes, Lane | None],
        turns: convoy.Turns,
        now: Instant,
        owners: Sequence[LinkEnd],
        frames: Sequence[bytes],
    ) -> None:
        core, long_way = self._core, self._long_way
        in_flight, knows = core.in_flight, core.memory.knows
        epoch, holds = core.outbox.open
        wall, elapsed, at_wall = now.wall, now.elapsed, moment(now.wall)
        for link, frame in zip(owners, frames, strict=True):
            dialect = link.dialect
            head = frame[: dialect.shortest_head]
            lane = lanes.get(head)
            found = None
            if lane is not None:
                try:
                    found = lane.gate(frame)
                except KeyError:  # a length that cannot be: the long way says which
                    found = None
            elif head not in lanes:
                self._offer(lanes, link, head)
            if lane is None or found is None:
                long_way(link, frame, now)
                continue
            at, pan, amount, known_by, terminal, repeating, private, track, chip = found
            key = lane.key_head + known_by
            routine = pan[: lane.prefix] + repeating
            if (
                known_by[10:16] == NO_NUMBER
                or (private and not lane.is_shaped(private) and not lane.takes(private))
                or ((track or chip) and not lane.reads_one_card(pan, track, chip))
                or amount == NOTHING
                or not luhn_valid(pan)
                or key in in_flight
                or knows(key)
                or (plan := lane.routines.get(routine) or lane.plan(routine, pan, repeating, frame, wall)) is None
            ):
                long_way(link, frame, now)
                continue
            issuer = plan.issuer
            out = convoy.whose_turn(turns, issuer)
            if out is None or out.dialect is not dialect or (stan := issuer.take_stan(known_by[:10])) is None:
                long_way(link, frame, now)
                continue
            new, known = stan.encode(), key.encode()
            core.last_number = number = core.last_number + 1
            sent = plan.sent.fill(number, at_wall, known, new, plan.keep(frame, at, new))
            passage = Passage(lane, plan, at, wall, plan.name, out.number, elapsed + issuer.patience_s, None)
            row = number, key, link.number, frame, amount.encode(), terminal.encode(), stan, sent, known, passage
            transaction = Plain(row)
            issuer.pending[stan] = in_flight[key] = transaction
            link.outstanding += 1
            epoch.append(sent)
            holds.append((out.number, [plan.forward(frame, at, new)], None))

    def answers(self, link: LinkEnd, arrived: list[bytes], now: Instant) -> None:
        """What an issuer's connection sent: plain approvals back to who asked, all else the long way."""
        lanes = self._answer_lanes.setdefault((link.participant.id, link.dialect.name), {})
        size = link.dialect.shortest_head
        approved: list[Plain] = []
        for owners, frames in _alike(((link, arrived),)):
            head = frames[0][:size]
            lane = lanes.get(head)
            make = _make_of(lane, frames[0], answer_make) if lane is not None and len(frames) >= FEWEST else None
            one_by_one = partial(self._answers_one_by_one, lanes, approved, now)
            if make is None or not make.trust.tries():
                one_by_one(owners, frames)
                continue
            together = partial(convoy.answers, self._core, make, approved=approved, now=now)
            make.trust.learn(_in_halves(owners, frames, together, one_by_one), len(frames))
        if approved:
            core = self._core
            core.counts["answer.00"] += len(approved)
            # Two answers of a read speak for all of it: of the oldest question among them, and of the youngest.
            times = len(approved) // 2
            core.answered_in_time(link, approved[-1], now, len(approved) - times)
            if times:
                end = core.issuers[link.participant.id]
                end.times.add(now.elapsed - (approved[0].deadline - end.patience_s), times)

    def _answers_one_by_one(
        self,
        lanes: dict[bytes, AnswerLane | None],
        approved: list[Plain],
        now: Instant,
        owners: Sequence[LinkEnd],
        frames: Sequence[bytes],
    ) -> None:
        core, long_way, link = self._core, self._long_way, owners[0]
        pending, in_flight, unsaid = core.issuers[link.participant.id].pending, core.in_flight, core.unsaid
        keep, at_wall = core.memory.keep, moment(now.wall)
        epoch, holds = core.outbox.open
        size = link.dialect.shortest_head
        for frame in frames:
            head = frame[:size]
            lane = lanes.get(head)
            found = None
            if lane is not None:
                try:
                    found = lane.gate(frame)
                except KeyError:
                    found = None
            elif head not in lanes:
                self._offer_answer(lanes, link, head)
            if lane is None or found is None:
                long_way(link, frame, now)
                continue
            _, stan, amount, terminal, approval_code, response_code = found
            transaction = pending.get(stan)
            if (
                response_code != APPROVED
                or type(transaction) is not Plain
                or transaction.row is None
                or transaction.terminal != terminal.encode()
                or transaction.amount != amount.encode()
                or transaction.lane.answer_mti != lane.mti
            ):
                long_way(link, frame, now)
                continue
            key, code, plan = transaction.key, approval_code.encode(), transaction.plan
            del pending[stan], in_flight[key]
            packed = plan.answered.fill(transaction.number, at_wall, transaction.known, stan.encode(), code)
            epoch.append(packed)
            keep(key, transaction.sent, packed)
            unsaid[key] = transaction
            answer = transaction.lane.answer(transaction.frame, transaction.at, code)
            holds.append((transaction.link, [answer], [transaction]))
            plan.approved[0] += 1
            approved.append(transaction)

    def _offer(self, lanes: dict[bytes, Lane | None], link: LinkEnd, head: bytes) -> None:
        """A lane for frames that begin so, once the codec has seen enough of them to keep their layout."""
        layout = link.dialect.layout(head)
        if layout is not None:
            make_room(lanes, LANES_MAX)
            lanes[head] = lane_of(link, layout, self._core.network, self._core.issuers)

    def _offer_answer(self, lanes: dict[bytes, AnswerLane | None], link: LinkEnd, head: bytes) -> None:
        layout = link.dialect.layout(head)
        if layout is not None:
            make_room(lanes, LANES_MAX)
            lanes[head] = answer_lane_of(link, layout)

    def _turn_the_hour(self, now: Instant) -> None:
        """What was true of a date in the last hour may not be in this one: a card expires, a leap day comes near."""
        hour = int(now.wall // HOUR_S)
        if hour != self._hour:
            self._hour = hour
            self.forget()

    def forget(self) -> None:
        """What was seen of kinds may not be so any more: a date has turned, a contract was changed."""
        for lanes in self._lanes.values():
            for lane in lanes.values():
                if lane is not None:
                    lane.forget()


def _alike(reads: Sequence[Read]) -> Iterator[tuple[Sequence[LinkEnd], Sequence[bytes]]]:
    """The frames and whose they are, in order: those of one length that follow each other, and not too many."""
    owners = [link for link, frames in reads for _ in frames]
    frames = reads[0][1] if len(reads) == 1 else [frame for _, frames in reads for frame in frames]
    begin = 0
    for _, run in groupby(map(len, frames)):
        end = begin + sum(1 for _ in run)
        while begin < end:
            until = min(end, begin + MOST)
            yield owners[begin:until], frames[begin:until]
            begin = until


def _in_halves(
    owners: Sequence[LinkEnd],
    frames: Sequence[bytes],
    together: Callable[[Sequence[LinkEnd], Sequence[bytes]], bool],
    one_by_one: Callable[[Sequence[LinkEnd], Sequence[bytes]], None],
) -> int:
    """All together; else each half by itself, so that one odd frame holds up few. How many went together."""
    if len(frames) < FEWEST:
        one_by_one(owners, frames)
        return 0
    if together(owners, frames):
        return len(frames)
    half = len(frames) // 2
    first = _in_halves(owners[:half], frames[:half], together, one_by_one)
    return first + _in_halves(owners[half:], frames[half:], together, one_by_one)


def _make_of(lane: Any, frame: bytes, made: Callable[[Any, bytes], Any]) -> Any:
    """The make of a frame of this lane."""
    size = len(frame)
    if size not in lane.makes:
        make_room(lane.makes, LANES_MAX)
        try:
            lane.makes[size] = made(lane, frame)
        except KeyError:  # a length that cannot be
            return None
    return lane.makes[size]
