"""The traffic: visits begun when the plan says, messages written for links, answers matched, outcomes booked.

Pure: the time comes in (ns of one monotonic clock), frames come in, and what is to be sent lies in the lanes, for the
shell to take (`shell/drive`). No answer is waited for by anything but its own visit. A visit is data and not a task,
so ten thousand may be under way. Three clocks: a message is *planned*, it is *written* when the shell says that the
send returned (`wrote`), and *received* when the shell had read it.

An arrival that finds every lane full waits for room as long as an answer may take; what then cannot be sent is counted
`not_sent` with the time it waited. Where no link is up at all it is `not_sent` at once, and waited as long as the link
was away.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Final, get_args
from zlib import crc32

from loadtest.chance import Chance
from loadtest.customers import Card, Customers
from loadtest.explain import explained, key_for
from loadtest.flow import (
    END,
    WHY,
    Asking,
    Branch,
    Expect,
    Pause,
    Program,
    Repeat,
    Reverse,
    Send,
    Sending,
    number_of,
    repeats,
)
from loadtest.ledger import Entry, Ledger, MatchKey, State
from loadtest.mac import Macs
from loadtest.plan import NANO, Plan
from loadtest.proofs import Proofs
from loadtest.result import NO_CODE, Explanation
from loadtest.scenario import Scenario
from loadtest.stamps import Numbers, stamp
from loadtest.tally import Tally
from loadtest.template import AUDITED, SealedTemplate, Template
from protocols.codes import APPROVED, ECHO, SIGN_OFF, SIGN_ON, is_approval
from protocols.dialect import Dialect
from protocols.errors import FormatError, LocalProtocolError
from protocols.framing import Framing
from protocols.hsm import HsmAnswer
from protocols.message import Message
from protocols.mti import NETWORK_MANAGEMENT, has_answer, mti_class
from protocols.original import NOT_STATED, Original
from protocols.participant import SEALED

UNMATCHED, UNREADABLE = "unmatched", "unreadable"  # the flows of what belongs to none
RECONCILIATION: Final = "0500"
SENDINGS: Final = frozenset(get_args(Sending))
LINK: Final = "link"  # the flow of sign-ons and echoes: in the gauges, in no histogram
NOWHERE: Final = -1  # the link of what was not sent
REVERSED_WITH: Final = (2, 3, 4, 18, 22, 25, 32, 33, 37, 41, 42, 43, 49)  # what a reversal says again of its original
REFUNDS: Final = ("20", "26", "28")  # transaction types that move money back (DE 3)
NO_MONEY: Final = ("31", "38")
BURST: Final = 8  # messages of one wake-up on one link, before the next link's turn
STRAYS_MAX: Final = 1000  # unmatched answers a second that are looked into: more are counted only
LATER_NS: Final = NANO  # a duplicate that comes later comes within a second
WHY_TIMEOUT, WHY_UNDELIVERED = "68", "22"


class Lane:
    """One link as the traffic sees it. The shell takes `out` and tells what it wrote."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "connects",
        "down_since",
        "echo_due",
        "fresh",
        "gap",
        "in_flight",
        "in_flight_max",
        "index",
        "is_signed_on",
        "is_up",
        "out",
        "received",
        "refused",
        "waiting",
        "written",
    )

    def __init__(self, index: int, start: int) -> None:
        self.index = index
        self.is_up = False
        self.is_signed_on = False
        self.refused = ""  # why the host did not let us sign on
        self.out: list[bytes] = []
        self.fresh: list[Entry] = []  # in `out`, not yet written
        self.waiting: deque[tuple[Visit, Sending, int]] = deque()  # where a terminal keeps to its link
        self.in_flight = self.in_flight_max = 0
        self.written = self.received = self.bytes_in = self.bytes_out = self.connects = self.gap = 0
        self.down_since: int | None = start
        self.echo_due = 0


class Visit:
    """One customer's visit: where it is in its program, and what it knows."""

    __slots__ = ("at", "card", "first", "last", "pinned", "planned", "program", "values")

    def __init__(self, program: Program, values: dict[str, str], card: Card | None, planned: int) -> None:
        self.program = program
        self.values = values
        self.card = card
        self.planned = planned  # of the message that is due next
        self.at = 0
        self.first: Entry | None = None
        self.last: Entry | None = None
        self.pinned: Lane | None = None


class _Reader:
    """What is read of an answer of one type: the key's elements, then DE 39 and 38, then the audited ones."""

    __slots__ = ("numbers", "width")

    def __init__(self, key: Sequence[int]) -> None:
        self.numbers = (*key, 39, 38, *AUDITED)
        self.width = len(key)


class Traffic:
    def __init__(
        self,
        scenario: Scenario,
        programs: Mapping[str, Program],
        plan: Plan,
        dialect: Dialect,
        framing: Framing,
        customers: Customers,
        ledger: Ledger,
        tally: Tally,
        *,
        stans: Numbers,
        chance: Chance,
        wall_ns: int,
        share: float = 1.0,
        proofs: Proofs | None = None,
    ) -> None:
        """`wall_ns`: what to add to the monotonic clock to have nanoseconds since 1970; `share`: of the users."""
        self.ledger, self.tally, self.plan = ledger, tally, plan
        self.start = ledger.start
        self.lanes = [Lane(index, self.start) for index in range(scenario.links.count)]
        self.dirty: set[Lane] = set()  # lanes with something in `out`
        self.is_stopping = False
        self.messages_sent = self.answers_received = 0
        self.unreachable = ""
        self.told: dict[str, Mapping[int, str]] = {}  # currency -> what the target said its totals are
        self._scenario, self._programs = scenario, [programs[name] for name in plan.names]
        self._dialect, self._framing = dialect, framing
        self._customers, self._stans, self._chance, self._wall = customers, stans, chance, wall_ns
        self._max_in_flight, self._pick = scenario.links.max_in_flight, scenario.links.pick
        self._answer_ns = int(scenario.timeouts.answer_s * NANO)
        self._echo_ns = int(scenario.links.echo_every_s * NANO)
        self._next = 0  # the plan's next arrival
        self._due_next: int | None = None  # until `begin`
        self._timers: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._backlog: deque[tuple[Visit, Sending, int]] = deque()
        self._gone: list[tuple[int, str, int]] = []  # second, flow, planned: nobody was there to send it to
        self._turn = self._burst = 0
        self._stamp: dict[str, str] = {}
        self._stamp_until = 0
        self._templates: dict[Any, Template] = {}
        self._signs: dict[Template, int] = {}
        self._readers: dict[str, _Reader] = {}
        self._strays: dict[tuple[str, str], int] = {}
        self._strays_now: tuple[int, int] = (0, 0)
        self._asked: set[str] = {"0800"}
        self._noise: dict[MatchKey, None] = {}  # what is said to faults of our own making is nobody's finding
        self._chaos = scenario.chaos if _is_on(scenario.chaos) else None
        self._reversal_mti = scenario.timeouts.reversal_mti
        self._closed_until: int | None = None
        self._share = share
        self._proofs = proofs
        security = scenario.security
        mac = security.mac
        self._macs = Macs(mac.test_key, mac.algorithm, mac.padding, mac.digits) if mac else None
        self._is_answer_sealed = mac is not None and mac.answers
        has = {"pin_block": security.pin, "icc_data": security.chip, "card_sequence": security.chip}
        self._absent = {name for name, how in has.items() if how is None}
        self._fixed = {
            "acquirer_id": scenario.target.acquirer_id or "",
            "forwarder_id": scenario.target.forwarder_id or "",
            "original": "0" * 42,
        }

    # --- time

    def begin(self, start: int) -> None:
        """Set the instant from which the plan counts. Links may have been opened before."""
        self.start = self.ledger.start = start
        self._due_next = start + self.plan.instants[0] if len(self.plan) else None
        for lane in self.lanes:
            lane.down_since = start if lane.down_since is not None else None
            lane.written = lane.received = lane.bytes_in = lane.bytes_out = lane.gap = 0
        closed = self._scenario.plan.closed
        if closed is not None:
            self._closed_until = start + int(closed.for_s * NANO)

    def next_due(self) -> int | None:
        """When something has to be done next, if nothing happens before; deadlines are the shell's regular sweep."""
        due = self._due_next if not self.is_stopping else None
        if self._timers and (due is None or self._timers[0][0] < due):
            due = self._timers[0][0]
        return due

    @property
    def is_planned_out(self) -> bool:
        """Whether nothing more will begin of its own."""
        return self.is_stopping or (self._due_next is None and self._closed_until is None)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way: no open message, nobody waiting, no timer."""
        if self.ledger.open or self._backlog or any(lane.waiting for lane in self.lanes):
            return False
        return all(act == self._repeat and given[0].state >= State.ANSWERED for _, _, act, given in self._timers)

    def due(self, now: int) -> None:
        """Begin every visit that is due, in one go, and what timers are for."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            _, _, act, given = heapq.heappop(timers)
            act(*given, now)
        if self.is_stopping or self._due_next is None or self._due_next > now:
            return
        self._burst = 0
        instants, flows, start, at = self.plan.instants, self.plan.flows, self.start, self._next
        end, programs = len(instants), self._programs
        until = now - start
        while at < end and instants[at] <= until:
            self._begin(programs[flows[at]], start + instants[at], now)
            at += 1
        self._next = at
        self._due_next = start + instants[at] if at < end else None

    def sweep(self, now: int) -> None:
        """Deadlines, echoes, and arrivals that have waited too long for room. A hundred times a second is plenty."""
        if self._closed_until is not None and now >= self._closed_until:
            self._closed_until = None
        for entry in self.ledger.overdue(now):
            self._timed_out(entry, now)
        for waiting in (self._backlog, *(lane.waiting for lane in self.lanes)):
            while waiting and waiting[0][2] + self._answer_ns <= now:
                visit, _, planned = waiting.popleft()
                self._not_sent(visit.program.name, self._mti_due(visit), planned, now)
        if self._echo_ns and not self.is_stopping:
            for lane in self.lanes:
                if lane.is_up and now >= lane.echo_due:
                    lane.echo_due = now + self._echo_ns
                    self._manage(lane, ECHO, now)
        if self._gone and any(lane.is_up for lane in self.lanes):
            self._bring_home(now)

    def users(self, now: int) -> None:
        """Closed mode: as many visits at once as there are users, each followed by another when it ends."""
        closed = self._scenario.plan.closed
        number = 0 if closed is None else max(1, round(closed.users * self._share))
        weights = [self._scenario.mix[name].weight for name in self.plan.names]
        for program in self._chance.choices(self._programs, weights, k=number) if number else ():
            self._begin(program, now, now)

    # --- links

    def opened(self, index: int, now: int) -> None:
        """A connection is there; it carries traffic once its sign-on was answered, where there is to be one."""
        lane = self.lanes[index]
        lane.connects += 1
        lane.refused = ""
        if self._scenario.links.sign_on:
            self._manage(lane, SIGN_ON, now)
        else:
            self._up(lane, now)

    def closed(self, index: int, now: int) -> None:
        """The connection is gone: what was open on it is in doubt at once, for nobody can answer there any more."""
        lane = self.lanes[index]
        lane.is_up = lane.is_signed_on = False
        lane.down_since = now if lane.down_since is None else lane.down_since
        lane.out.clear()
        self.dirty.discard(lane)
        for entry in [one for one in self.ledger.open.values() if one.link == index]:
            if not entry.written:
                entry.written = now
            self.ledger.doubts(entry)
            self._timed_out(entry, now)
        lane.fresh.clear()
        lane.in_flight = 0

    def sign_off(self, now: int) -> None:
        """Say good-bye on every link that signed on."""
        for lane in self.lanes:
            if lane.is_signed_on:
                self._manage(lane, SIGN_OFF, now)

    def ask_totals(self, currency: str, said: Mapping[int, str], now: int) -> bool:
        """Send a 0500 with these totals, or none, to hear the target's; whether there is a link for it."""
        lane = next((one for one in self.lanes if one.is_up), None)
        if lane is None:
            return False
        self.told.pop(currency, None)
        if now >= self._stamp_until:
            self._new_stamp(now)
        who = {n: v for n, v in ((32, self._fixed["acquirer_id"]), (33, self._fixed["forwarder_id"])) if v}
        elements = {7: "$transmitted_at", 11: "$stan", 50: currency, **who, **said}
        template = self._keyed(self._new(RECONCILIATION, elements), (11,))
        entry = self._made(template, dict(self._stamp), LINK, now)
        entry.visit = currency
        self._launch(entry, lane, now)
        return True

    def wrote(self, lane: Lane, size: int, now: int) -> None:
        """The send returned: everything in the lane is written, at this moment."""
        deadline = now + self._answer_ns
        for entry in lane.fresh:
            entry.written = now
            entry.deadline = deadline
        number = len(lane.fresh)
        lane.written += number
        lane.bytes_out += size
        lane.fresh = []
        lane.out = []

    # --- frames

    def received(self, lane: Lane, frames: Iterable[bytes], now: int) -> None:
        """Frames that were read at `now`."""
        decode, readers, still_open = self._dialect.decode, self._readers, self.ledger.open
        for frame in frames:
            lane.received += 1
            try:
                message = decode(frame)
            except FormatError as error:
                self._garbage(lane, error, now)
                continue
            mti = message.mti
            reader = readers.get(mti)
            if reader is None:
                self._unasked(lane, message, now)
                continue
            read = message.pick(reader.numbers)
            key: MatchKey = (mti, *read[: reader.width])
            entry = still_open.get(key)
            if entry is not None:
                if self._is_answer_sealed:
                    self._look_at_seal(entry, message)
                self._answered(entry, message, read[reader.width :], now)
            else:
                self._not_open(lane, message, key, read[reader.width :], now)

    def _look_at_seal(self, entry: Entry, answer: Message) -> None:
        if self._macs is not None and mti_class(answer.mti) in SEALED and not self._macs.is_right(answer):
            self.ledger.altered(entry, "the MAC is not of these bytes")

    def second(self, second: int, now: int) -> None:
        """A second of the wall is over: the lanes' counters go into the gauges."""
        for lane in self.lanes:
            gauge = self.tally.gauge(second, lane.index)
            gauge.written, gauge.received = lane.written, lane.received
            gauge.bytes_out, gauge.bytes_in = lane.bytes_out, lane.bytes_in
            gauge.in_flight, gauge.in_flight_max = lane.in_flight, max(lane.in_flight_max, lane.in_flight)
            gauge.connects = lane.connects
            gap = lane.gap + (max(now - lane.down_since, 0) if lane.down_since is not None else 0)
            gauge.gap_ms = min(gap // 1_000_000, 1000)
            lane.written = lane.received = lane.bytes_out = lane.bytes_in = lane.connects = lane.gap = 0
            lane.in_flight_max = lane.in_flight
            if lane.down_since is not None:
                lane.down_since = now

    # --- the end

    def stop(self, now: int) -> None:
        """Begin nothing more; take back whatever is in doubt, where the scenario does that."""
        self.is_stopping = True
        self._timers.clear()
        for waiting in (self._backlog, *(lane.waiting for lane in self.lanes)):
            while waiting:
                visit, _, planned = waiting.popleft()
                self._not_sent(visit.program.name, self._mti_due(visit), planned, now)

    def doubt_everything(self, now: int) -> None:
        """Interrupted: do not wait for answers, reverse what they might have been."""
        for entry in list(self.ledger.open.values()):
            if entry.flow != LINK and entry.undoes is None:
                self.ledger.doubts(entry)
                self._timed_out(entry, now)

    def finish(self, now: int) -> None:
        """The last word: what was never answered waited at least so long."""
        self._bring_home(now)
        for entry in [*self.ledger.open.values(), *self.ledger.doubt.values()]:
            if entry.flow == LINK:
                self.ledger.open.pop(entry.key, None)
                self.ledger.doubt.pop(entry.key, None)
                continue
            lateness = max(entry.written - entry.ready, 0)
            self.tally.unanswered(entry.second, entry.flow, max(now, entry.deadline) - entry.planned, lateness)

    def explanations(self) -> tuple[Explanation, ...]:
        """Why answers belonged to nobody, the most frequent first."""
        ordered = sorted(self._strays.items(), key=lambda one: -one[1])
        return tuple(Explanation(cause=cause, sentence=said, count=number) for (cause, said), number in ordered)

    # --- visits

    def _begin(self, program: Program, planned: int, now: int) -> None:
        values, card = self._customers.visit()
        values.update(self._fixed)
        if self._proofs is not None:
            self._proofs.add(program.name, values, card)
        self._go_on(Visit(program, values, card, planned), now)

    def _go_on(self, visit: Visit, now: int) -> None:
        """Carry a visit on until it has to wait or ends."""
        steps = visit.program.steps
        while 0 <= visit.at < len(steps):
            step = steps[visit.at]
            kind = type(step)  # a model's `isinstance` costs more than a message
            if kind in SENDINGS:
                visit.at += 1
                self._send(visit, step, visit.planned, now)  # type: ignore[arg-type]
            elif kind is Expect:
                last = visit.last
                if last is None or last.state is not State.ANSWERED:
                    return  # `_answered` or `_timed_out` goes on from here
                visit.at += 1
            elif isinstance(step, Branch):
                visit.at = visit.program.goes_to(self._branch(visit, step), visit.at)
            elif isinstance(step, Pause):
                visit.at += 1
                assert not isinstance(step.for_s, str)  # set when the program was made
                visit.planned = now + int(step.for_s.draw(self._chance) * NANO)
                self._at(visit.planned, self._go_on, visit)
                return
            elif isinstance(step, Repeat):
                visit.at += 1
                if visit.last is not None:
                    self._repeat(visit.last, now)
        visit.at = -1
        self._over(visit, now)

    def _over(self, visit: Visit, now: int) -> None:
        """Let go of its messages: visit and message hold each other. A user of closed mode thinks, and comes again."""
        visit.first = visit.last = None
        closed = self._scenario.plan.closed
        if closed is None or self._closed_until is None or self.is_stopping:
            return
        again = now + int(closed.think_s.draw(self._chance) * NANO)
        if again >= self._closed_until:
            return
        names = self.plan.names
        weights = [self._scenario.mix[name].weight for name in names]
        program = self._chance.choices(self._programs, weights, k=1)[0]
        self._at(again, self._again, program, again)

    def _again(self, program: Program, planned: int, now: int) -> None:
        self._begin(program, planned, now)

    def _branch(self, visit: Visit, step: Branch) -> str:
        if step.chance is not None:
            assert not isinstance(step.chance, str)
            return "next" if self._chance.random() < step.chance else step.otherwise
        code = visit.last.code if visit.last is not None else ""
        return step.on.get(code) or step.on.get("*") or step.otherwise

    def _mti_due(self, visit: Visit) -> str:
        """The type of the message that a visit was about to send."""
        step = visit.program.steps[visit.at - 1]
        return step.mti if isinstance(step, Asking) else self._reversal_mti

    # --- sending

    def _send(self, visit: Visit, step: Sending, planned: int, now: int) -> None:
        visit.last = None
        pinned = self._pinned(visit) if self._pick != "round_robin" else None
        waiting = self._backlog if pinned is None else pinned.waiting
        lane = None if waiting else self._lane(pinned)
        if lane is not None:
            self._put(visit, step, planned, planned, lane, now)
        elif pinned.is_up if pinned is not None else any(one.is_up for one in self.lanes):
            waiting.append((visit, step, planned))
        else:
            second = (planned - self.start) // NANO
            mti = step.mti if isinstance(step, Asking) else self._reversal_mti
            counts = self.tally.row(second, visit.program.name, mti, NO_CODE, NOWHERE)
            counts.offered += 1
            counts.not_sent += 1
            self._gone.append((second, visit.program.name, planned))
            visit.at = -1
            if self._closed_until is not None:
                self._at(now + NANO // 10, self._again, visit.program, now + NANO // 10)

    def _lane(self, pinned: Lane | None) -> Lane | None:
        """A lane with room, in turn; or the one that it must be, if it has room.

        What is begun in one wake-up goes in turn by BURST, so that there is one send for several messages.
        """
        most = self._max_in_flight
        if pinned is not None:
            return pinned if pinned.is_up and pinned.in_flight < most else None
        lanes, turn = self.lanes, self._turn
        self._burst += 1
        if self._burst % BURST != 1 and (lane := lanes[turn]).is_up and lane.in_flight < most:
            return lane
        for _ in lanes:
            turn = turn + 1 if turn + 1 < len(lanes) else 0
            lane = lanes[turn]
            if lane.is_up and lane.in_flight < most:
                self._turn = turn
                return lane
        return None

    def _pinned(self, visit: Visit) -> Lane:
        if visit.pinned is None:
            terminal = visit.values["terminal_id"]
            number = crc32(terminal.encode()) if self._pick == "hash_terminal" else int(terminal[4:])
            visit.pinned = self.lanes[number % len(self.lanes)]
        return visit.pinned

    def _put(self, visit: Visit, step: Sending, planned: int, ready: int, lane: Lane, now: int) -> None:
        """Write a message into a lane."""
        if now >= self._stamp_until:
            self._new_stamp(now)
        if type(step) is Reverse:
            assert visit.first is not None  # a flow begins with send
            entry = self._reversal(visit.first, WHY[self._chance.choice(step.why)], planned, now)
            entry.visit = visit
        else:
            template = self._templates.get(id(step)) or self._template(step)  # type: ignore[arg-type]
            values = visit.values
            values.update(self._stamp)
            if visit.first is not None and "original" in template.holes:
                values["original"] = _original(visit.first).text
            entry = self._made(template, values, visit.program.name, planned)
            entry.visit = visit
            entry.sign = self._signs[template]
            if visit.first is None:
                visit.first = entry
                if visit.program.foretold and visit.card is not None:
                    entry.expected = visit.card.expected
            elif entry.sign and mti_class(entry.mti) == "2" and entry.mti[2] == "2":
                entry.sign = 0  # a completion moves what its authorization has already been booked for
        entry.ready = ready
        visit.last = entry
        self._launch(entry, lane, now)

    def _made(self, template: Template, values: dict[str, str], flow: str, planned: int) -> Entry:
        """A message with numbers of its own."""
        is_free = self.ledger.is_free
        for _ in range(100):
            values["stan"] = stan = self._stans.next()
            values["rrn"] = self._stamp["rrn_head"] + stan
            filled = template.fill(values)
            key: MatchKey = (template.answer, *template.key(filled))
            if is_free(key):
                break
        return Entry(template, filled, key, flow, planned, (planned - self.start) // NANO)

    def _launch(self, entry: Entry, lane: Lane, now: int) -> None:
        """Render, book, and hand over to the lane."""
        frame = entry.template.render(entry.values)
        entry.link = lane.index
        entry.deadline = now + self._answer_ns
        self.ledger.open[entry.key] = entry
        if self._chaos is not None:
            self._disturb(entry, lane, frame, now)
        lane.out.append(frame)
        lane.fresh.append(entry)
        lane.in_flight += 1
        if lane.in_flight > lane.in_flight_max:
            lane.in_flight_max = lane.in_flight
        self.dirty.add(lane)
        self.messages_sent += 1
        if entry.flow != LINK:
            counts = self.tally.row(entry.second, entry.flow, entry.template.mti, NO_CODE, lane.index)
            counts.offered += 1
            counts.sent += 1

    def _drain_backlog(self, lane: Lane, now: int) -> None:
        """There is room again: those who waited longest go first."""
        for waiting in (lane.waiting, self._backlog):
            while waiting and lane.is_up and lane.in_flight < self._max_in_flight:
                visit, step, planned = waiting.popleft()
                self._put(visit, step, planned, now, lane, now)

    def _not_sent(self, flow: str, mti: str, planned: int, now: int) -> None:
        second = (planned - self.start) // NANO
        counts = self.tally.row(second, flow, mti, NO_CODE, NOWHERE)
        counts.offered += 1
        counts.not_sent += 1
        self.tally.unanswered(second, flow, now - planned, None)

    def _bring_home(self, now: int) -> None:
        """Whoever found nobody waited until now, or as long as one waits."""
        for second, flow, planned in self._gone:
            self.tally.unanswered(second, flow, min(now - planned, self._answer_ns), None)
        self._gone.clear()

    # --- answers

    def _answered(
        self, entry: Entry, message: Message | HsmAnswer | None, read: tuple[str | None, ...], now: int
    ) -> None:
        code, approval_code = read[:2]
        lane = self.lanes[entry.link]
        was_open = entry.state == State.OPEN
        if was_open and lane.in_flight:
            lane.in_flight -= 1
        if entry.flow == LINK:
            if entry.mti == RECONCILIATION:
                self.told[str(entry.visit)] = dict(message.items()) if isinstance(message, Message) else {}
            self._managed(entry, lane, code or "", now)
            return
        if not entry.written:  # in the same breath: the peer was quicker than our own system call's return
            entry.written = now
        in_time = self.ledger.answered(entry, code or "", approval_code, read[2:])
        self.answers_received += 1
        said = code or NO_CODE
        second, flow = entry.second, entry.flow
        counts = self.tally.row(second, flow, entry.template.mti, said, entry.link)
        counts.answered += 1
        if not in_time:
            counts.late += 1
        if entry.undoes is not None and (is_approval(code) or code == "25"):
            counts.reversed += 1
        if entry.expected is not None and self.ledger.unexpected(entry):
            counts.unexpected += 1
        written = entry.written
        lateness = written - entry.ready
        self.tally.answered((second, flow, said), now - entry.planned, now - written, max(lateness, 0))
        visit = entry.visit
        if was_open and visit is not None and visit.last is entry and visit.at >= 0:
            step = visit.program.steps[visit.at] if visit.at < len(visit.program.steps) else None
            if type(step) is Expect:
                visit.at = visit.at + 1 if not step.save or self._saved(visit, step, message) else -1
                visit.planned = now
                self._go_on(visit, now)
            elif step is None:
                self._go_on(visit, now)
        entry.visit = None
        if self._backlog or lane.waiting:
            self._drain_backlog(lane, now)

    def _not_open(self, lane: Lane, message: Message, key: MatchKey, read: tuple[str | None, ...], now: int) -> None:
        ledger = self.ledger
        if (entry := ledger.doubt.get(key)) is not None:
            self._answered(entry, message, read, now)
            return
        if key in self._noise:
            return
        if (entry := ledger.settled.get(key)) is not None:
            counts = self.tally.row(entry.second, entry.flow, entry.mti, read[0] or NO_CODE, entry.link)
            if ledger.again(entry, read[0] or "", read[1]):
                counts.doubled += 1
            return
        if self._may_look(now):
            entry = ledger.found_by(message.mti, message.rrn, None)
            if entry is not None and entry.flow != LINK and not self._lacks_key(entry, message):
                self._answered(entry, message, read, now)
                return
        self._stray(lane, message, now)

    def _lacks_key(self, entry: Entry, message: Message) -> bool:
        """Whether an element of the key is not in the answer at all: then the agreement is wrong, no value changed."""
        return any(number not in message for number in key_for(self._scenario.match, entry.mti))

    def _stray(self, lane: Lane, message: Message, now: int) -> None:
        """An answer that belongs to nobody: counted, and while there is time for it, explained."""
        second = (now - self.start) // NANO
        mti, code = message.mti, message.response_code or NO_CODE
        self.tally.row(second, UNMATCHED, mti, code, lane.index).unmatched += 1
        if not self._may_look(now):
            return
        waiting = list(self.ledger.open.values())[:STRAYS_MAX]
        stan = message.stan
        known = any(one.template.value(11, one.values) == stan for one in waiting)
        said = explained(message, self._scenario.match, sorted(self._asked), known)
        if len(self._strays) < STRAYS_MAX or said in self._strays:
            self._strays[said] = self._strays.get(said, 0) + 1

    def _may_look(self, now: int) -> bool:
        second, looked = now // NANO, self._strays_now
        self._strays_now = (second, looked[1] + 1 if looked[0] == second else 1)
        return self._strays_now[1] <= STRAYS_MAX

    def _garbage(self, lane: Lane, error: FormatError, now: int) -> None:
        second = (now - self.start) // NANO
        self.tally.row(second, UNREADABLE, error.mti or "????", NO_CODE, lane.index).garbage += 1
        said = (UNREADABLE, f"A frame arrived that cannot be read ({error.slug}).")
        self._strays[said] = self._strays.get(said, 0) + 1

    def _unasked(self, lane: Lane, message: Message, now: int) -> None:
        """A type that answers nothing of ours: a request of the host's own is answered where it is about the link."""
        if has_answer(message.mti) and mti_class(message.mti) == NETWORK_MANAGEMENT:
            try:
                lane.out.append(self._framing.pack(message.answered({39: APPROVED})))
            except LocalProtocolError:
                return
            self.dirty.add(lane)
            return
        self._stray(lane, message, now)

    def _saved(self, visit: Visit, step: Expect, message: Message | HsmAnswer | None) -> bool:
        """Keep what the flow wants to keep; whether all of it was there."""
        assert isinstance(message, Message)
        for name, element in step.save.items():
            value = message.get(number_of(str(element)))
            if value is None:
                return False
            visit.values[f"saved.{name}"] = value
        return True

    # --- timeouts

    def _timed_out(self, entry: Entry, now: int) -> None:
        lane = self.lanes[entry.link]
        if lane.in_flight:
            lane.in_flight -= 1
        if entry.flow == LINK:
            self.ledger.doubt.pop(entry.key, None)
            self._unmanaged(entry, lane, now)
            return
        self.tally.row(entry.second, entry.flow, entry.mti, NO_CODE, entry.link).timed_out += 1
        way = self._scenario.timeouts.on_timeout
        if entry.undoes is not None or way == "repeat":
            self._repeat(entry, now)
        elif way == "reverse" and mti_class(entry.mti) in "12":
            self._reverse(entry, WHY_TIMEOUT, now)
        visit = entry.visit
        if visit is not None and visit.last is entry and 0 <= visit.at < len(visit.program.steps):
            step = visit.program.steps[visit.at]
            goal = step.on_timeout if isinstance(step, Expect) else END
            visit.at = visit.program.goes_to(goal, visit.at)
            visit.planned = now
            self._go_on(visit, now)
        if self._backlog or lane.waiting:
            self._drain_backlog(lane, now)

    def _repeat(self, entry: Entry, now: int) -> None:
        """The same message again, as its repeat; so often, and then no more."""
        if entry.repeats >= self._scenario.timeouts.repeats or entry.state in (State.ANSWERED, State.LATE):
            return
        lane = self._any_lane(entry)
        if lane is None:
            self._at(now + NANO // 4, self._repeat, entry)
            return
        self._at(now + self._answer_ns, self._repeat, entry)
        entry.repeats += 1
        entry.sendings += 1
        template = self._like(entry.template, repeats(entry.template.mti))
        lane.out.append(template.render(entry.values))
        self.dirty.add(lane)

    def _reverse(self, entry: Entry, reason: str, now: int) -> None:
        """Take back what is in doubt, as a message of its own."""
        lane = self._any_lane(entry)
        if lane is None:
            self._at(now + NANO // 4, self._reverse_later, entry, reason)
            return
        reversal = self._reversal(entry, reason, now, now)
        self._launch(reversal, lane, now)

    def _reverse_later(self, entry: Entry, reason: str, now: int) -> None:
        self._reverse(entry, reason, now)

    def _any_lane(self, entry: Entry) -> Lane | None:
        """The link that it went by, or another: a cap is not for what puts things in order."""
        lane = self.lanes[entry.link]
        return lane if lane.is_up else next((one for one in self.lanes if one.is_up), None)

    def _reversal(self, original: Entry, reason: str, planned: int, now: int) -> Entry:
        if now >= self._stamp_until:
            self._new_stamp(now)
        was, read = original.template, original.template.value
        said = {n: value for n in REVERSED_WITH if (value := read(n, original.values))}
        if original.approval_code:
            said[38] = original.approval_code
        which = (id(was), reason, tuple(said))
        template = self._templates.get(which)
        if template is None:
            holes = {n: f"$e{n}" for n in said}
            stamps = {7: "$transmitted_at", 11: "$stan", 12: "$local_time", 13: "$local_date", 90: "$original"}
            template = self._keyed(self._new(self._reversal_mti, {**holes, **stamps, 39: reason}))
            self._templates[which] = template
        values = {**self._stamp, **{f"e{n}": value for n, value in said.items()}, "original": _original(original).text}
        reversal = self._made(template, values, original.flow, planned)
        reversal.undoes = original
        return reversal

    # --- templates

    def _template(self, step: Asking) -> Template:
        assert isinstance(step, Send)  # commands are asked by those who know them: `host_commands`
        elements = {n: value for n, value in step.by_number.items() if not self._is_absent(value)}
        template = self._keyed(self._new(step.mti, elements))
        self._templates[id(step)] = template
        return template

    def _is_absent(self, value: str) -> bool:
        return value.startswith("$") and (self._fixed.get(value[1:]) == "" or value[1:] in self._absent)

    def _new(self, mti: str, elements: Mapping[int, str]) -> Template:
        ours = {"$acquirer_id": self._fixed["acquirer_id"], "$forwarder_id": self._fixed["forwarder_id"]}
        known = {number: ours.get(value, value) for number, value in elements.items()}
        return self._encoded_once(mti, known)

    def _encoded_once(self, mti: str, elements: Mapping[int, str]) -> Template:
        if self._macs is not None and mti_class(mti) in SEALED:
            return SealedTemplate(mti, elements, self._dialect, self._framing, self._macs.of)
        return Template(mti, elements, self._dialect, self._framing)

    def _keyed(self, template: Template, usual: tuple[int, ...] = ()) -> Template:
        """With its match key, and its answers known from now on. `usual`: where the scenario does not name its type."""
        match = self._scenario.match
        key = usual if usual and template.mti not in match else key_for(match, template.mti)
        template.key = template.getter(key)
        self._asked.add(template.mti)
        self._readers.setdefault(template.answer, _Reader(key))
        code = template.constants.get(3, "00")[:2]
        is_money = mti_class(template.mti) in "12" and 4 in (*template.constants, *template.numbers)
        self._signs[template] = 0 if not is_money or code in NO_MONEY else -1 if code in REFUNDS else 1
        return template

    def _like(self, template: Template, mti: str) -> Template:
        """The same message under another type."""
        which = (id(template), mti)
        found = self._templates.get(which)
        if found is None:
            holes = dict(zip(template.numbers, (f"${name}" for name in template.holes), strict=True))
            found = self._encoded_once(mti, {**template.constants, **holes})
            self._templates[which] = found
        return found

    def _new_stamp(self, now: int) -> None:
        wall = now + self._wall + int(self._scenario.values.skew_s * NANO)
        self._stamp = stamp(wall / NANO)
        self._stamp_until = now + NANO - wall % NANO

    def _at(self, when: int, act: Callable[..., None], *given: Any) -> None:
        heapq.heappush(self._timers, (when, next(self._order), act, given))

    # --- the life of a link

    def _manage(self, lane: Lane, code: str, now: int) -> None:
        if now >= self._stamp_until:
            self._new_stamp(now)
        template = self._templates.get(code)
        if template is None:
            elements = {7: "$transmitted_at", 11: "$stan", 70: code}
            who = {n: v for n, v in ((32, self._fixed["acquirer_id"]), (33, self._fixed["forwarder_id"])) if v}
            template = self._templates[code] = self._keyed(self._new("0800", {**elements, **who}))
        entry = self._made(template, dict(self._stamp), LINK, now)
        entry.visit = code
        self._launch(entry, lane, now)

    def _managed(self, entry: Entry, lane: Lane, code: str, now: int) -> None:
        self.ledger.open.pop(entry.key, None)
        if entry.visit != SIGN_ON:
            return
        if code == APPROVED:
            lane.is_signed_on = True
            self._up(lane, now)
        else:
            lane.refused = f"the sign-on was refused with {code or 'no DE 39'}"

    def _unmanaged(self, entry: Entry, lane: Lane, now: int) -> None:
        if entry.visit == SIGN_ON:
            lane.refused = f"the sign-on was not answered within {self._scenario.timeouts.answer_s:g} s"

    def _up(self, lane: Lane, now: int) -> None:
        lane.is_up = True
        lane.echo_due = now + self._echo_ns
        if lane.down_since is not None:
            lane.gap += max(now - lane.down_since, 0)
            lane.down_since = None
        storm = self._scenario.chaos.storm if lane.connects > 1 or now - self.start > NANO else 0
        for _ in range(storm):
            self._unfounded_reversal(lane, now)
        if self._backlog or lane.waiting:
            self._drain_backlog(lane, now)

    # --- chaos on our side

    def _disturb(self, entry: Entry, lane: Lane, frame: bytes, now: int) -> None:
        """Faults beside a message that itself goes out as it should."""
        chaos, draw, inject = self._chaos, self._chance.random, self.ledger.inject
        assert chaos is not None
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
            self._at(now + int(draw() * LATER_NS), self._later, lane, frame)
        if draw() < chaos.conflicting_duplicate and 4 in entry.template.numbers:
            inject("conflicting_duplicate")
            place = entry.template.numbers.index(4)
            other = f"{int(entry.values[place]) % 10**11 + 1:012d}"
            entry.sendings += 1
            entry.has_conflict = True
            values = (*entry.values[:place], other, *entry.values[place + 1 :])
            self._at(now + NANO // 100, self._later, lane, entry.template.render(values))

    def _later(self, lane: Lane, frame: bytes, now: int) -> None:
        if lane.is_up:
            lane.out.append(frame)
            self.dirty.add(lane)

    def _damaged(self, like: Entry) -> bytes:
        """A message of its own with one byte that cannot be what it should be, in a frame that is whole."""
        values = dict(zip(like.template.holes, like.values, strict=True))
        made = self._made(like.template, values, LINK, like.planned)
        self._noise[made.key] = None
        if len(self._noise) > STRAYS_MAX:
            del self._noise[next(iter(self._noise))]
        body = bytearray(like.template.render(made.values)[self._framing.width :])
        at = min(len(body) - 1, 4 + int(self._chance.random() * max(len(body) - 4, 1)))
        body[at] ^= 0x80 | int(self._chance.random() * 127)
        return self._framing.pack(bytes(body))

    def _unfounded(self, entry: Entry, lane: Lane, now: int) -> None:
        """A reversal of a message that its receiver cannot know yet; what is said to it is nobody's finding."""
        reversal = self._reversal(entry, WHY_UNDELIVERED, now, now)
        reversal.undoes = None
        reversal.flow = LINK
        self._launch(reversal, lane, now)

    def _unfounded_reversal(self, lane: Lane, now: int) -> None:
        step = next((one for program in self._programs for one in program.steps if isinstance(one, Send)), None)
        if step is None or mti_class(step.mti) not in "12":
            return
        self.ledger.inject("storm")
        values, _ = self._customers.visit()
        self._new_stamp(now)
        template = self._templates.get(id(step)) or self._template(step)
        made = self._made(template, {**values, **self._fixed, **self._stamp}, LINK, now)
        self._unfounded(made, lane, now)


def _is_on(chaos: Any) -> bool:
    shares = ("duplicate", "duplicate_later", "conflicting_duplicate", "reversal_first", "garbage", "bad_input")
    return any(getattr(chaos, name) for name in shares)


def _original(entry: Entry) -> Original:
    """DE 90: what a message says of the one that it is about."""
    read, values = entry.template.value, entry.values
    stan, at = read(11, values) or "000000", read(7, values) or "0000000000"
    return Original(entry.mti, stan, at, read(32, values) or NOT_STATED, read(33, values) or NOT_STATED)
