"""A gateway's talk with the switch: what it has asked, what it has heard, what it still owes.

Pure: frames and the time come in, frames to send and outcomes come out. A request whose
answer does not come is in doubt, and what is in doubt is reversed, never sent again: the
0420 goes at once and then as 0421, the same message, until the switch acknowledges it. The
shell (`gateway`) owns the link and the clock; who pressed which key is for the till.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from acquirers.house import House
from acquirers.transaction import Request, Stamp, make_network_management, make_repeat, make_reversal
from protocols import elements as de
from protocols import mti as message_types
from protocols.codes import APPROVED, ECHO, KEY_CHANGE, SIGN_OFF, SIGN_ON, is_approval, reason
from protocols.dialect import Dialect
from protocols.errors import FormatError
from protocols.message import Message
from protocols.seal import Unsealed, seal_of
from protocols.session import CARRIES_TRAFFIC, LinkState, Signal
from protocols.session import step as link_step

REVERSAL_WAITS_S = (5.0, 10.0, 20.0, 40.0, 60.0)  # before each 0421; the last one again for ever
JITTER = 0.2  # of a wait, either way: a hundred gateways shall not come back in the same second
REFUSALS_MAX = 5  # an advice refused so often will not be taken the next time either
OWED_IN_FLIGHT_MAX = 32  # after an outage the switch shall not be buried in what it missed
STANS = 999_999
_TAKEN = {de.RESPONSE_CODE: APPROVED}
#: A terminal's keys are put into it by hand: it has no HSM that could take one off the wire.
_KEY_REFUSED = {de.RESPONSE_CODE: reason("key.refused").response_code, de.REASON: "key.refused"}
MONEY = (message_types.AUTHORIZATION, message_types.FINANCIAL)


class Outcome(StrEnum):
    """What became of a request, as the shop sees it."""

    APPROVED = "approved"
    DECLINED = "declined"
    TIMEOUT = "timeout"
    LINK_DOWN = "link_down"


@dataclass(frozen=True, slots=True)
class Heard:
    """The end of one request: its ticket, what became of it, and the answer where one came."""

    ticket: int
    outcome: Outcome
    answer: Message | None = None


@dataclass(slots=True)
class Step:
    """What the shell shall do now."""

    frames: list[bytes] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # for the log; never content
    paid: list[Request] = field(default_factory=list)  # advices that arrived at last: nothing is owed for them now
    parked: list[Request] = field(default_factory=list)  # advices that the switch will not take
    hang_up: str | None = None  # close the link, for this reason


@dataclass(slots=True)
class _Pending:
    """A request that waits for its answer. `ticket` None: nobody at the till asked for it."""

    request: Request
    deadline: float
    ticket: int | None


@dataclass(slots=True)
class _Owed:
    """An advice that must arrive, however long it takes."""

    advice: Request
    due: float
    tries: int = 0
    refusals: int = 0


class Session:
    """One gateway's side of one link at a time; what is owed outlives the link."""

    def __init__(self, house: House, dialect: Dialect, *, stan: int, chance: Callable[[], float] = lambda: 0.5) -> None:
        """`stan`: the first number given out. `chance`: numbers from 0 to 1, for the jitter of repeats."""
        self._house = house
        self._dialect = dialect
        self._stan = stan % STANS
        self._chance = chance
        self._pending: dict[tuple[str, str], list[_Pending]] = {}  # (answer's type, STAN) -> in order of sending
        self._owed: dict[str, _Owed] = {}  # STAN of the advice -> the advice
        self._parked: list[Request] = []
        self._link = LinkState.CLOSED
        self._quiet_since = 0.0  # when the link last brought us something
        self.stray_answers = 0

    # --- what others may ask

    @property
    def signed_on(self) -> bool:
        """Whether the switch takes transactions from us."""
        return self._link in CARRIES_TRAFFIC

    @property
    def owed(self) -> tuple[Request, ...]:
        """Advices that the switch has not acknowledged yet."""
        return tuple(owed.advice for owed in self._owed.values())

    @property
    def parked(self) -> tuple[Request, ...]:
        """Advices that the switch refuses for good: somebody must look at them."""
        return tuple(self._parked)

    @property
    def in_flight(self) -> int:
        return sum(len(waiting) for waiting in self._pending.values())

    def stamp(self, at: datetime) -> Stamp:
        """A number that is not in use, 000001 to 999999 and round again, for a message of this moment."""
        in_use = {stan for _, stan in self._pending} | self._owed.keys()
        for _ in range(STANS):
            self._stan = self._stan % STANS + 1
            stan = f"{self._stan:06d}"
            if stan not in in_use:
                return Stamp(stan, at)
        raise RuntimeError("every STAN is in use")  # a million requests in flight: the bound is the till's

    def network_management(self, code: str, at: datetime) -> Request:
        """A 0800 in this gateway's name."""
        return make_network_management(code, self._house, self.stamp(at))

    def due(self) -> float | None:
        """The moment at which `tick` has something to do, if nothing happens before."""
        moments = [pending.deadline for pending in self._every_pending()]
        if self.signed_on:
            moments += [owed.due for owed in self._owed.values()]
            moments.append(self._quiet_since + self._house.participant.echo_s)
        return min(moments, default=None)

    # --- what happens to it

    def connected(self, now: float, at: datetime) -> Step:
        """A new link: nothing but a sign-on goes out until it is answered."""
        self._link, self._quiet_since = LinkState.CONNECTED, now
        step = Step()
        self._ask(self.network_management(SIGN_ON, at), now, None, step)
        return step

    def disconnected(self, now: float, at: datetime) -> Step:
        """The link is gone: whatever was in flight is in doubt."""
        self._link = link_step(self._link, Signal.LOST)
        step = Step()
        doubtful, self._pending = list(self._every_pending()), {}
        for pending in doubtful:
            self._doubt(pending, Outcome.LINK_DOWN, now, at, step)
        return step

    def ask(self, request: Request, ticket: int, now: float) -> Step:
        """Send a request from the till. Without a link that has signed on, it never leaves the house."""
        step = Step()
        may_go = self.signed_on or (self._link is not LinkState.CLOSED and _is_network_management(request))
        if may_go:
            self._ask(request, now, ticket, step)
        else:
            step.heard.append(Heard(ticket, Outcome.LINK_DOWN))
        return step

    def owe(self, advice: Request, now: float) -> Step:
        """Take on an advice that an earlier life of this gateway owed: as its repeat, where it may have been sent."""
        self._owed[advice.stan] = _Owed(advice, due=now)
        step = Step()
        if self.signed_on:
            self._pay(now, step)
        return step

    def received(self, frames: Iterable[bytes], now: float) -> Step:
        """Frames from the switch: answers, and its own network management."""
        self._quiet_since = now
        step = Step()
        for frame in frames:
            try:
                message = self._dialect.decode(frame)
            except FormatError as error:
                step.notes.append(f"unreadable from the switch: {error.slug}")
                continue
            if not self._is_believed(message):
                step.notes.append(f"without the right seal: {message.mti} {message.stan}")
            elif message_types.is_answer(message.mti):
                self._answered(message, now, step)
            else:
                self._asked(message, step)
        if self.signed_on:
            self._pay(now, step)
        return step

    def tick(self, now: float, at: datetime) -> Step:
        """Time has passed: deadlines, repeats that are due, an echo where it has been quiet."""
        step = Step()
        for key, pending in [(key, pending) for key, waiting in self._pending.items() for pending in waiting]:
            if pending.deadline <= now:
                self._take(key, pending)
                self._doubt(pending, Outcome.TIMEOUT, now, at, step)
        if self.signed_on and step.hang_up is None:
            if now >= self._quiet_since + self._house.participant.echo_s:
                self._quiet_since = now
                self._ask(self.network_management(ECHO, at), now, None, step)
            self._pay(now, step)
        return step

    # --- asking

    def _ask(self, request: Request, now: float, ticket: int | None, step: Step) -> None:
        deadline = now + self._house.participant.deadlines.gateway_s
        key = (message_types.answer_to(request.mti), request.stan)
        step.frames.append(self._encoded(request))
        self._pending.setdefault(key, []).append(_Pending(request, deadline, ticket))

    def _encoded(self, request: Request) -> bytes:
        frame = self._dialect.encode(request.mti, request.values)
        if (sealer := self._house.sealer) is None or not self._house.participant.seals(request.mti):
            return frame
        unsealed = Unsealed(self._dialect, frame)
        return unsealed.sealed(sealer.mac(unsealed.covered))

    def _is_believed(self, message: Message) -> bool:
        """Whether it has the right seal, or needs none."""
        sealer, agreed = self._house.sealer, self._house.participant
        return sealer is None or not agreed.seals(message.mti) or sealer.is_right(seal_of(message))

    # --- answers

    def _answered(self, answer: Message, now: float, step: Step) -> None:
        if (owed := self._owed.get(answer.stan or "")) and _acknowledges(answer, owed.advice):
            self._acknowledged(owed, answer, now, step)
            return
        key = (answer.mti, answer.stan or "")
        pending = next((one for one in self._pending.get(key, ()) if _agrees(answer, one.request)), None)
        if pending is None:
            self.stray_answers += 1
            step.notes.append(f"an answer nobody waits for: {answer.mti} {answer.stan}")
            return
        self._take(key, pending)
        self._settle(pending, answer, now, step)

    def _take(self, key: tuple[str, str], pending: _Pending) -> None:
        waiting = self._pending[key]
        waiting.remove(pending)
        if not waiting:
            del self._pending[key]

    def _settle(self, pending: _Pending, answer: Message, now: float, step: Step) -> None:
        if _is_network_management(pending.request):
            self._managed(pending.request, answer, now, step)
        if pending.ticket is not None:
            outcome = Outcome.APPROVED if is_approval(answer.response_code) else Outcome.DECLINED
            step.heard.append(Heard(pending.ticket, outcome, answer))

    def _managed(self, request: Request, answer: Message, now: float, step: Step) -> None:
        """An answer to our own 0800: a sign-on opens the link, or closes it when it is refused."""
        code = request.values[de.NETWORK_MANAGEMENT_CODE]
        approved = answer.response_code == APPROVED
        if code == SIGN_ON and not approved:
            step.hang_up = f"sign-on refused with {answer.response_code}"
        elif code == SIGN_ON and not self.signed_on:
            self._link = link_step(self._link, Signal.SIGN_ON)
            step.notes.append("signed on")
            for owed in self._owed.values():
                owed.due = now  # what was owed over the outage is owed now
        elif code == SIGN_OFF and approved and self.signed_on:
            self._link = link_step(self._link, Signal.SIGN_OFF)
            step.notes.append("signed off")

    # --- the switch's own network management

    def _asked(self, message: Message, step: Step) -> None:
        if message.mti == "0800":
            code = message.network_management_code
            if code == SIGN_OFF and self.signed_on:
                self._link = link_step(self._link, Signal.SIGN_OFF)
                step.notes.append("the switch signs off")
            step.frames.append(message.answered(_TAKEN if code != KEY_CHANGE else _KEY_REFUSED))
        else:
            step.notes.append(f"the switch sends {message.mti}, which a gateway does not answer")

    # --- doubt, and what is owed because of it

    def _doubt(self, pending: _Pending, outcome: Outcome, now: float, at: datetime, step: Step) -> None:
        """No answer came. Money in doubt is reversed; an advice is owed until it arrives; an echo was the link's."""
        if pending.ticket is not None:
            step.heard.append(Heard(pending.ticket, outcome))
        if not self._is_covered(pending.request) and (advice := self._advice_for(pending.request, at)):
            self._owed[advice.stan] = _Owed(advice, due=now)
        elif outcome is Outcome.TIMEOUT and _is_network_management(pending.request):
            step.hang_up = "the switch does not answer network management"

    def _advice_for(self, request: Request, at: datetime) -> Request | None:
        if _is_network_management(request):
            return None
        if message_types.is_advice(request.mti):
            return make_repeat(request)
        if message_types.mti_class(request.mti) == message_types.REVERSAL:
            return _told_instead_of_asked(request, self.stamp(at))
        return make_reversal(request, self.stamp(at), reason="reversal.timeout")

    def _is_covered(self, request: Request) -> bool:
        """Whether the reversal of this very transaction is owed already: its repeat was in doubt as well."""
        if message_types.mti_class(request.mti) not in MONEY:
            return False
        return any(owed.advice.values.get(de.ORIGINAL) == request.original.text for owed in self._owed.values())

    def _pay(self, now: float, step: Step) -> None:
        """Send the advices that are due: first as they are, then as repeats of themselves."""
        in_flight = sum(1 for owed in self._owed.values() if owed.tries and owed.due > now)
        due = [owed for owed in self._owed.values() if owed.due <= now]
        for owed in due[: OWED_IN_FLIGHT_MAX - in_flight]:
            if owed.tries:
                owed.advice = make_repeat(owed.advice)
            step.frames.append(self._encoded(owed.advice))
            self._defer(owed, now)
        for waiting in due[OWED_IN_FLIGHT_MAX - in_flight :]:
            waiting.due = now + 1.0

    def _defer(self, owed: _Owed, now: float) -> None:
        wait = REVERSAL_WAITS_S[min(owed.tries, len(REVERSAL_WAITS_S) - 1)]
        owed.tries += 1
        owed.due = now + wait * (1 + JITTER * (2 * self._chance() - 1))

    def _acknowledged(self, owed: _Owed, answer: Message, now: float, step: Step) -> None:
        if answer.response_code == APPROVED:
            del self._owed[owed.advice.stan]
            step.paid.append(owed.advice)
            step.notes.append(f"acknowledged: {answer.mti} {answer.stan}")
            return
        owed.refusals += 1
        if owed.refusals >= REFUSALS_MAX:
            self._parked.append(self._owed.pop(owed.advice.stan).advice)
            step.parked.append(owed.advice)
            step.notes.append(f"given up after {REFUSALS_MAX} refusals: {answer.mti} {answer.response_code}")

    def _every_pending(self) -> Iterator[_Pending]:
        return (pending for waiting in self._pending.values() for pending in waiting)


def _is_network_management(request: Request) -> bool:
    return message_types.mti_class(request.mti) == message_types.NETWORK_MANAGEMENT


def _agrees(answer: Message, request: Request) -> bool:
    """Where the answer carries amount and terminal, they are the request's; only an approval may be for less."""
    terminal = answer.get(de.TERMINAL_ID)
    if terminal is not None and terminal != request.values.get(de.TERMINAL_ID):
        return False
    amount, asked = answer.get(de.AMOUNT), request.values.get(de.AMOUNT)
    if amount is None or amount == asked:
        return True
    return asked is not None and is_approval(answer.response_code) and amount < asked


def _acknowledges(answer: Message, advice: Request) -> bool:
    return answer.mti == message_types.answer_to(advice.mti) and _agrees(answer, advice)


def _told_instead_of_asked(request: Request, stamp: Stamp) -> Request:
    """The 0420 for a 0400 that nobody answered: about the same original, under a number of its own."""
    values = dict(request.values) | {de.TRANSMITTED_AT: stamp.transmitted_at, de.STAN: stamp.stan}
    return Request("0420", values)
