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
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, Final, get_args
from zlib import crc32

from loadtest.chance import Chance
from loadtest.customers import Customers
from loadtest.explain import key_for
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
    Sending,
    number_of,
    repeats,
)
from loadtest.lane import Lane, Visit
from loadtest.ledger import Entry, Ledger, MatchKey, State
from loadtest.messages import LINK, RECONCILIATION, Messages, original_of
from loadtest.mischief import Mischief, is_on
from loadtest.plan import NANO, Plan
from loadtest.proofs import Proofs
from loadtest.result import NO_CODE
from loadtest.scenario import Scenario
from loadtest.stamps import Numbers
from loadtest.strays import Strays
from loadtest.tally import Tally
from loadtest.template import Template
from protocols.codes import APPROVED, ECHO, SIGN_OFF, SIGN_ON, is_approval
from protocols.dialect import Dialect
from protocols.errors import FormatError, LocalProtocolError
from protocols.framing import Framing
from protocols.hsm import HsmAnswer
from protocols.message import Message
from protocols.mti import NETWORK_MANAGEMENT, has_answer, mti_class

SENDINGS: Final = frozenset(get_args(Sending))
NOWHERE: Final = -1  # the link of what was not sent
BURST: Final = 8  # messages of one wake-up on one link, before the next link's turn
WHY_TIMEOUT: Final = "68"


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
        self._customers, self._chance = customers, chance
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
        self.messages = Messages(scenario, dialect, framing, ledger, stans, wall_ns)
        self.strays = Strays(scenario.match, self.messages, ledger, tally)
        self._mischief = Mischief(scenario.chaos, self, framing, chance)
        self._is_disturbed = is_on(scenario.chaos)
        self._last_money: Entry | None = None  # what a storm of reversals is made like
        self._reversal_mti = scenario.timeouts.reversal_mti
        self._closed_until: int | None = None
        self._share = share
        self._proofs = proofs

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
        self.launch(self.messages.totals(currency, said, now), lane, now)
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
        decode, readers, still_open = self._dialect.decode, self.messages.readers, self.ledger.open
        looks_at_seals = self.messages.looks_at_seals
        for frame in frames:
            lane.received += 1
            try:
                message = decode(frame)
            except FormatError as error:
                self.strays.garbage(lane, error, now)
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
                if looks_at_seals and not self.messages.is_sealed_right(message):
                    self.ledger.altered(entry, "the MAC is not of these bytes")
                self._answered(entry, message, read[reader.width :], now)
            else:
                self._not_open(lane, message, key, read[reader.width :], now)

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

    # --- visits

    def _begin(self, program: Program, planned: int, now: int) -> None:
        values, card = self._customers.visit()
        values.update(self.messages.fixed)
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
                self.at(visit.planned, self._go_on, visit)
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
        self.at(again, self._again, program, again)

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
                self.at(now + NANO // 10, self._again, visit.program, now + NANO // 10)

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
        if type(step) is Reverse:
            assert visit.first is not None  # a flow begins with send
            entry = self.messages.reversal(visit.first, WHY[self._chance.choice(step.why)], planned, now)
            entry.visit = visit
        else:
            messages = self.messages
            template = messages.templates.get(id(step)) or self._template(step)  # type: ignore[arg-type]
            values = visit.values
            values.update(messages.moment(now))
            if visit.first is not None and "original" in template.holes:
                values["original"] = original_of(visit.first).text
            entry = messages.made(template, values, visit.program.name, planned)
            entry.visit = visit
            entry.sign = messages.signs[template]
            if visit.first is None:
                visit.first = entry
                if visit.program.foretold and visit.card is not None:
                    entry.expected = visit.card.expected
            elif entry.sign and mti_class(entry.mti) == "2" and entry.mti[2] == "2":
                entry.sign = 0  # a completion moves what its authorization has already been booked for
        entry.ready = ready
        visit.last = entry
        self.launch(entry, lane, now)

    def launch(self, entry: Entry, lane: Lane, now: int) -> None:
        """Render, book, and hand over to the lane."""
        frame = entry.template.render(entry.values)
        entry.link = lane.index
        entry.deadline = now + self._answer_ns
        self.ledger.open[entry.key] = entry
        if self._is_disturbed:
            self._mischief.beside(entry, lane, frame, now)
        lane.out.append(frame)
        lane.fresh.append(entry)
        lane.in_flight += 1
        if lane.in_flight > lane.in_flight_max:
            lane.in_flight_max = lane.in_flight
        self.dirty.add(lane)
        self.messages_sent += 1
        if entry.flow != LINK:
            if self._is_disturbed and entry.undoes is None:
                self._last_money = entry
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
        if self._mischief.is_noise(key):
            return
        if (entry := ledger.settled.get(key)) is not None:
            counts = self.tally.row(entry.second, entry.flow, entry.mti, read[0] or NO_CODE, entry.link)
            if ledger.again(entry, read[0] or "", read[1]):
                counts.doubled += 1
            return
        if self.strays.may_look(now):
            entry = ledger.found_by(message.mti, message.rrn, None)
            if entry is not None and entry.flow != LINK and not self._lacks_key(entry, message):
                self._answered(entry, message, read, now)
                return
        self.strays.unmatched(lane, message, now)

    def _lacks_key(self, entry: Entry, message: Message) -> bool:
        """Whether an element of the key is not in the answer at all: then the agreement is wrong, no value changed."""
        return any(number not in message for number in key_for(self._scenario.match, entry.mti))

    def _unasked(self, lane: Lane, message: Message, now: int) -> None:
        """A type that answers nothing of ours: a request of the host's own is answered where it is about the link."""
        if has_answer(message.mti) and mti_class(message.mti) == NETWORK_MANAGEMENT:
            try:
                lane.out.append(self._framing.pack(message.answered({39: APPROVED})))
            except LocalProtocolError:
                return
            self.dirty.add(lane)
            return
        self.strays.unmatched(lane, message, now)

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
            self.at(now + NANO // 4, self._repeat, entry)
            return
        self.at(now + self._answer_ns, self._repeat, entry)
        entry.repeats += 1
        entry.sendings += 1
        template = self.messages.like(entry.template, repeats(entry.template.mti))
        lane.out.append(template.render(entry.values))
        self.dirty.add(lane)

    def _reverse(self, entry: Entry, reason: str, now: int) -> None:
        """Take back what is in doubt, as a message of its own."""
        lane = self._any_lane(entry)
        if lane is None:
            self.at(now + NANO // 4, self._reverse_later, entry, reason)
            return
        reversal = self.messages.reversal(entry, reason, now, now)
        self.launch(reversal, lane, now)

    def _reverse_later(self, entry: Entry, reason: str, now: int) -> None:
        self._reverse(entry, reason, now)

    def _any_lane(self, entry: Entry) -> Lane | None:
        """The link that it went by, or another: a cap is not for what puts things in order."""
        lane = self.lanes[entry.link]
        return lane if lane.is_up else next((one for one in self.lanes if one.is_up), None)

    def at(self, when: int, act: Callable[..., None], *given: Any) -> None:
        heapq.heappush(self._timers, (when, next(self._order), act, given))

    def _template(self, step: Asking) -> Template:
        return self.messages.of_step(step)

    # --- the life of a link

    def _manage(self, lane: Lane, code: str, now: int) -> None:
        self.launch(self.messages.about_the_link(code, now), lane, now)

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
        if lane.connects > 1 or now - self.start > NANO:
            self._mischief.storm(self._last_money, lane, now)
        if self._backlog or lane.waiting:
            self._drain_backlog(lane, now)
