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
from protocols.subelements import PARTIAL_APPROVAL
from protocols.values import NO_NUMBER, is_moment
from switch.lane import MOMENTS_MAX, AnswerLane, Lane, Plain, answer_lane_of, lane_of
from switch.records import moment

if TYPE_CHECKING:
    from switch.core import Core
    from switch.ends import LinkEnd
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
        self._lanes: dict[str, dict[bytes, Lane | None]] = {}  # by participant, then by how a frame begins
        self._answer_lanes: dict[str, dict[bytes, AnswerLane | None]] = {}
        self._moments: set[str] = set()  # DE 7 that can be
        self._hour = 0

    def requests(self, link: LinkEnd, frames: Iterable[bytes], now: Instant) -> None:
        """What a gateway sent: the plain ones out to their issuers, all others the long way."""
        core, long_way, dialect = self._core, self._long_way, link.dialect
        in_flight, remembered, outbox = core.in_flight, core.memory, core.outbox
        lanes, size = self._lanes.setdefault(link.participant.id, {}), dialect.shortest_head
        self._turn_the_hour(now)
        wall, elapsed, at_wall = now.wall, now.elapsed, moment(now.wall)
        moments = self._moments
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
            at, pan, amount, known_by, terminal, kind, when, private = found
            key = lane.key_head + known_by
            if (
                (known_by[:10] not in moments and not self._is_moment(known_by[:10], wall))
                or known_by[10:16] == NO_NUMBER
                or (when not in lane.whens and not lane.is_when(when))
                or (private and (PARTIAL_APPROVAL in private or not lane.private_data(private)))
                or amount == NOTHING
                or not luhn_valid(pan)
                or key in in_flight
                or key in remembered
                or remembered.is_buried(key)
                or (plan := lane.plan(pan, kind, frame, wall)) is None
                or (out := plan.issuer.next_link()) is None
                or out.dialect is not dialect
                or (stan := plan.issuer.take_stan()) is None
            ):
                long_way(link, frame, now)
                continue
            values = (*plan.values, stan)
            forwarded, kept = plan.forward(frame, at, lane.head, values), plan.keep(frame, at, lane.head, values)
            if forwarded is None or kept is None:
                long_way(link, frame, now)
                continue
            core.last_number = number = core.last_number + 1
            transaction = Plain(number, key, link.number, lane, plan, frame, at, amount, terminal, wall)
            transaction.issuer, transaction.stan, transaction.kept_frame = plan.name, stan, kept
            transaction.sent = sent = plan.sent.fill(number, at_wall, key, stan.encode(), kept)
            transaction.outlink, transaction.deadline = out.number, elapsed + plan.issuer.patience_s
            plan.issuer.pending[stan] = in_flight[key] = transaction
            link.outstanding += 1
            outbox.add(sent)
            outbox.hold(out.number, forwarded)

    def answers(self, link: LinkEnd, frames: Iterable[bytes], now: Instant) -> None:
        """What an issuer sent: plain approvals of plain requests back to who asked, all else the long way."""
        core, long_way = self._core, self._long_way
        pending, in_flight, unsaid = core.issuers[link.participant.id].pending, core.in_flight, core.unsaid
        remembered, outbox, at_wall = core.memory, core.outbox, moment(now.wall)
        lanes, size = self._answer_lanes.setdefault(link.participant.id, {}), link.dialect.shortest_head
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
                or (answer := transaction.answer(approval_code)) is None
            ):
                long_way(link, frame, now)
                continue
            key = transaction.key
            del pending[stan], in_flight[key]
            packed = transaction.plan.answered.fill(
                transaction.number, at_wall, key, stan.encode(), approval_code.encode()
            )
            outbox.add(packed)
            remembered.keep(key, transaction.sent, packed)
            transaction.listeners = 1
            unsaid[key] = transaction
            outbox.hold(transaction.link, answer, transaction)
            approved += 1
        if approved:
            core.counts["answer.00"] += approved

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

    def _is_moment(self, text: str, wall: float) -> bool:
        """Whether this can be a DE 7; remembered if so."""
        if not is_moment(text, wall):
            return False
        if len(self._moments) >= MOMENTS_MAX:
            self._moments.clear()
        self._moments.add(text)
        return True

    def _turn_the_hour(self, now: Instant) -> None:
        """What was true of a date in the last hour may not be in this one: a card expires, a leap day comes near."""
        hour = int(now.wall // HOUR_S)
        if hour != self._hour:
            self._hour = hour
            self._moments.clear()
            for lanes in self._lanes.values():
                for lane in lanes.values():
                    if lane is not None:
                        lane.forget()
