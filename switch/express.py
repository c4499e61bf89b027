"""Requests in the lane, and their approvals: the two loops that most of the traffic passes through.

Each looks at a whole read of frames at once. A frame that is not plain in every respect goes the long way
(`Core` and its stories), in its place among the others: nothing is refused here, nothing is decided. See `lane`
for what is plain, and for the promise that both ways lead to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from protocols.codec.room import make_room
from protocols.codes import APPROVED
from protocols.pan import luhn_valid
from protocols.values import NO_NUMBER
from switch.lane import AnswerLane, Lane, Plain, answer_lane_of, lane_of
from switch.records import moment

if TYPE_CHECKING:
    from switch.core import Core
    from switch.ends import IssuerEnd, LinkEnd
    from switch.instant import Instant

LANES_MAX: Final = 256  # layouts from one participant
NOTHING: Final = "000000000000"
HOUR_S: Final = 3600.0

LongWay = Callable[["LinkEnd", bytes, "Instant"], None]


class Express:
    """What the two loops remember between reads."""

    def __init__(self, core: Core, long_way: LongWay) -> None:
        self._core = core
        self._long_way = long_way
        # By participant and dialect, for one may speak two; then by how a frame begins.
        self._lanes: dict[tuple[str, str], dict[bytes, Lane | None]] = {}
        self._answer_lanes: dict[tuple[str, str], dict[bytes, AnswerLane | None]] = {}
        self._hour = 0

    def requests(self, link: LinkEnd, frames: Iterable[bytes], now: Instant) -> None:
        """What a gateway sent: the plain ones out to their issuers, all others the long way."""
        core, long_way, dialect = self._core, self._long_way, link.dialect
        in_flight, knows = core.in_flight, core.memory.knows
        record, hold = core.outbox.pens
        lanes, size = self._lanes.setdefault((link.participant.id, dialect.name), {}), dialect.shortest_head
        self._turn_the_hour(now)
        wall, elapsed, at_wall = now.wall, now.elapsed, moment(now.wall)
        issuer: IssuerEnd | None = None
        out: LinkEnd | None = None
        for frame in frames:
            head = frame[:size]
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
            if plan.issuer is not issuer:  # one turn of its links for a whole read: fewer, longer writes
                issuer, out = plan.issuer, plan.issuer.healthy_link()
            if out is None or out.dialect is not dialect or (stan := issuer.take_stan(known_by[:10])) is None:
                long_way(link, frame, now)
                continue
            new = stan.encode()
            core.last_number = number = core.last_number + 1
            transaction = Plain(number, key, link.number, lane, plan, frame, at, amount, terminal, wall)
            transaction.issuer, transaction.stan = plan.name, stan
            transaction.sent = sent = plan.sent.fill(number, at_wall, key, new, plan.keep(frame, at, new))
            transaction.outlink, transaction.deadline = out.number, elapsed + issuer.patience_s
            issuer.pending[stan] = in_flight[key] = transaction
            link.outstanding += 1
            record(sent)
            hold((out.number, plan.forward(frame, at, new), None))

    def answers(self, link: LinkEnd, frames: Iterable[bytes], now: Instant) -> None:
        """What an issuer sent: plain approvals of plain requests back to who asked, all else the long way."""
        core, long_way = self._core, self._long_way
        pending, in_flight, unsaid = core.issuers[link.participant.id].pending, core.in_flight, core.unsaid
        keep, at_wall = core.memory.keep, moment(now.wall)
        record, hold = core.outbox.pens
        dialect = link.dialect
        lanes, size = self._answer_lanes.setdefault((link.participant.id, dialect.name), {}), dialect.shortest_head
        approved = 0
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
                or transaction.terminal != terminal
                or transaction.amount != amount
                or transaction.lane.answer_mti != lane.mti
                or transaction.has_company
            ):
                long_way(link, frame, now)
                continue
            key, code = transaction.key, approval_code.encode()
            del pending[stan], in_flight[key]
            packed = transaction.plan.answered.fill(transaction.number, at_wall, key, stan.encode(), code)
            record(packed)
            keep(key, transaction.sent, packed)
            transaction.listeners = 1
            unsaid[key] = transaction
            hold((transaction.link, transaction.lane.answer(transaction.frame, transaction.at, code), transaction))
            transaction.plan.approved[0] += 1
            if not approved:
                first = transaction
            approved, last = approved + 1, transaction
        if approved:
            core.counts["answer.00"] += approved
            # Two answers of a read speak for all of it: of the oldest question among them, and of the youngest.
            core.answered_in_time(link, last, now, approved - approved // 2)
            if approved > 1:
                end = core.issuers[link.participant.id]
                end.times.add(now.elapsed - (first.deadline - end.patience_s), approved // 2)

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
