"""Finding out what a host speaks by asking it, and what a client speaks by listening: who says what next.

Pure: bytes in, bytes out; the shell connects, waits and hangs up. One connection for each framing,
because a wrong one leaves the host waiting in the middle of a frame; on it the same question in one
dialect after the other, because in the right framing a wrong dialect costs one frame only. A
host that hangs up on what it cannot read is asked the rest on connections of its own. All are asked
quickly at first, and then again with patience: most hosts answer at once, and some do not.

Whatever it says is worth more than our next guess: bytes that read another way are asked that way next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from protocols import codes
from protocols import elements as de
from protocols.errors import FormatError, LocalProtocolError
from protocols.message import Message
from protocols.mti import is_answer
from switch.diagnosis import (
    Candidate,
    Fit,
    KeyPart,
    Way,
    candidates,
    fitting,
    is_management,
    is_taken,
    keys_side_by_side,
    stranger,
)

CODES: Final = (codes.ECHO, codes.SIGN_ON)  # an echo changes nothing; some hosts know only a sign-on
RETRIES_MAX: Final = 100  # a host that hangs up on everything has then been bothered enough
RETRIES_UNTIL: Final = 0.5  # of the time: the rest is for hosts that are slow
HEARD_MAX: Final = 64 * 1024  # of one connection: eight of the longest frames
STANS: Final = 1_000_000
PLACEHOLDER: Final = "000001"  # a STAN to compare by

#: Nothing of ISO 8583, but it makes a web server speak; TLS is told by the shell, which has the library for it.
HTTP_QUESTION: Final = b"OPTIONS * HTTP/1.0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Question:
    """One frame to send, and the ways it is written in: in some an echo looks the same."""

    ways: tuple[Way, ...]
    code: str
    frame: bytes
    packed: bytes

    def asked_in(self, way: Way) -> Message:
        """The question as that way reads it."""
        return way.spoken().decode(self.frame)


@dataclass(slots=True)
class Attempt:
    """One connection: what is to be asked on it, how much of it was, and what was heard."""

    framing: str
    questions: tuple[Question | bytes, ...]
    is_patient: bool = False  # the second time round, for a host that may only be slow
    asked: int = 0
    heard: bytes = b""
    replied: int = 0

    @property
    def is_other(self) -> bool:
        """Whether it asks for something that is not ISO 8583."""
        return any(isinstance(question, bytes) for question in self.questions)

    def next_question(self) -> bytes | None:
        """The bytes to send next; None when all is asked."""
        if self.asked == len(self.questions):
            return None
        question = self.questions[self.asked]
        self.asked += 1
        return question.packed if isinstance(question, Question) else question

    def asked_in(self, way: Way) -> list[Message]:
        """What was asked in this way so far."""
        asked = (one for one in self.questions[: self.asked] if isinstance(one, Question) and way in one.ways)
        return [one.asked_in(way) for one in asked]


def question_of(answer: Message, asked: Sequence[Message]) -> Message:
    """What it answers, judged by DE 11; if by that nothing, then by DE 70, so that both can be held side by side."""
    return max(asked, key=lambda one: (one.stan == answer.stan, _code(one) == _code(answer)))


def _code(message: Message) -> str:
    return message.network_management_code or ""


class Outcome(StrEnum):
    """How an examination can end."""

    FOUND = "found"
    MISMATCHED = "mismatched"  # it answers, but the switch would not take the answer
    STRANGER = "stranger"  # another protocol
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out."""

    outcome: Outcome
    ways: tuple[Way, ...] = ()
    code: str = ""
    asked: Message | None = None
    answer: Message | None = None
    key: tuple[KeyPart, ...] = ()
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """What happened on connections of one framing."""

    framing: str
    questions: int
    ending: str


class Examination:
    """One host. `attempt` until `finding`; `heard` and `ended` say how each went."""

    def __init__(
        self,
        ways: Sequence[Way],
        values: Mapping[int, str],
        number: int,
        today: date,
        other_questions: Sequence[tuple[str, bytes]] = (("an HTTP request", HTTP_QUESTION),),
    ) -> None:
        """`values` of the echo beside its code and STAN; `number` becomes the first STAN."""
        self._values = dict(values)
        self._today = today
        self._number = number
        self._queue = deque(self._attempts(ways))
        self._again: deque[Attempt] = deque()
        self._patient: deque[Attempt] = deque()
        self._others = deque(Attempt(name, (question,)) for name, question in other_questions)
        self._hinted: set[Way] = set()
        self._retries = 0
        self.finding: Finding | None = None
        self._mismatch: Finding | None = None
        self.sights: list[Sight] = []
        self.overheard: dict[Way, tuple[Message, ...]] = {}  # what it said that was no answer
        self.unread = b""  # what it said that reads as nothing, for the nearest guess

    @property
    def attempts_left(self) -> int:
        """How many connections are still planned."""
        return sum(map(len, (self._queue, self._again, self._patient, self._others)))

    def attempt(self, spent: float = 0.0) -> Attempt | None:
        """The next connection, when that share of the time is spent; at its end only other protocols are tried."""
        if spent >= RETRIES_UNTIL or self._retries >= RETRIES_MAX:
            self._again.clear()
        if spent >= 1:
            self._queue.clear()
            self._patient.clear()
        for planned in (self._queue, self._again, self._patient, self._others):
            if planned and self.finding is None:
                return planned.popleft()
        return None

    def heard(self, attempt: Attempt, data: bytes) -> list[bytes]:
        """What to say to what was heard; `finding` may stand afterwards."""
        attempt.heard = (attempt.heard + data)[:HEARD_MAX]
        if protocol := stranger(attempt.heard):
            self.finding = Finding(Outcome.STRANGER, protocol=protocol)
            return []
        replies: list[bytes] = []
        for reading in self._readings(attempt):
            answers = [message for message in reading.messages if is_answer(message.mti)]
            for answer in answers:
                self._consider(attempt, reading, answer)
            if not answers:
                replies = replies or self._replies(attempt, reading)
            self.overheard[reading.way] = reading.messages
            self._take_hint(attempt, reading)
        return replies if self.finding is None else []

    def _readings(self, attempt: Attempt) -> list[Candidate]:
        """The ways in which it was asked, if what was heard reads so; else the best there are."""
        ways = [way for one in attempt.questions if isinstance(one, Question) for way in one.ways]
        found = candidates(attempt.heard, self._today, ways)
        asked = [one for one in found if one.fit is Fit.READS and attempt.asked_in(one.way)]
        return asked or fitting(found)

    def ended(self, attempt: Attempt, how: str, *, hung_up: bool) -> None:
        """The connection is over; whether there is a reason for another one."""
        if self.finding is None and self._mismatch is not None:
            self.finding = self._mismatch
        if attempt.heard and not self._readings(attempt):
            self.unread = attempt.heard
        self.sights.append(Sight(attempt.framing, attempt.asked, how))
        if self.finding is None:
            self._plan_again(attempt, hung_up=hung_up)

    def _plan_again(self, attempt: Attempt, *, hung_up: bool) -> None:
        """Who hung up in silence may not have understood; who did not hang up may not have answered yet."""
        rest = attempt.questions[1:]
        if hung_up and rest and not attempt.heard:
            self._retries += 1
            self._again.append(Attempt(attempt.framing, rest))
        elif not hung_up and not attempt.is_patient and not attempt.is_other:
            self._patient.append(Attempt(attempt.framing, attempt.questions, is_patient=True))

    def _consider(self, attempt: Attempt, reading: Candidate, answer: Message) -> None:
        """An answer: the one to what was asked, or to nothing."""
        if not (questions := attempt.asked_in(reading.way)):
            return
        asked = question_of(answer, questions)
        key = tuple(keys_side_by_side(asked, answer))
        ways: tuple[Way, ...] = (reading.way,)
        if not is_taken(key):
            mismatch = Finding(Outcome.MISMATCHED, ways, _code(asked), asked, answer, key)
            self._mismatch = self._mismatch or mismatch
            return
        if self.finding is not None:
            ways = (*self.finding.ways, reading.way)
        self.finding = Finding(Outcome.FOUND, ways, _code(asked), asked, answer, key)

    def _replies(self, attempt: Attempt, reading: Candidate) -> list[bytes]:
        """Answers to what the host asks us before it answers."""
        asked = [message for message in reading.messages if is_management(message)]
        fresh = asked[attempt.replied :]
        attempt.replied = max(attempt.replied, len(asked))
        return [packed for message in fresh if (packed := approved(reading.way, message)) is not None]

    def _take_hint(self, attempt: Attempt, reading: Candidate) -> None:
        """It spoke in a way in which it has not been asked yet: that is next."""
        if reading.way in self._hinted or attempt.asked_in(reading.way):
            return
        self._hinted.add(reading.way)
        self._queue.extendleft(self._attempts([reading.way]))

    def _attempts(self, ways: Iterable[Way]) -> Iterator[Attempt]:
        """A connection for each framing."""
        by_framing: dict[tuple[str, bool], list[Way]] = {}
        for way in ways:
            by_framing.setdefault((way.framing, way.keep_alive), []).append(way)
        for (framing, _), same in by_framing.items():
            if questions := tuple(self._questions(same)):
                yield Attempt(framing, questions)

    def _questions(self, ways: Sequence[Way]) -> Iterator[Question]:
        """The echo in every dialect, then the sign-on; each with a STAN of its own."""
        for code in CODES:
            same: dict[bytes, list[Way]] = {}
            for way in ways:
                if frame := question_in(way, self._values, code, PLACEHOLDER, self._today):
                    same.setdefault(frame, []).append(way)
            for alike in same.values():
                frame = question_in(alike[0], self._values, code, self._next_stan(), self._today)
                if frame is not None:
                    yield Question(tuple(alike), code, frame, alike[0].framed().pack(frame))

    def _next_stan(self) -> str:
        self._number = self._number % (STANS - 1) + 1  # 000000 is no number
        return f"{self._number:06d}"


def question_in(way: Way, values: Mapping[int, str], code: str, stan: str, today: date) -> bytes | None:
    """The frame of a 0800; None where the dialect cannot say it."""
    try:
        return way.spoken(today).encode("0800", {**values, de.STAN: stan, de.NETWORK_MANAGEMENT_CODE: code})
    except LocalProtocolError:
        return None


def approved(way: Way, message: Message) -> bytes | None:
    """The answer that says yes to an echo or a sign-on, ready to send."""
    try:
        return way.framed().pack(message.answered({de.RESPONSE_CODE: codes.APPROVED}))
    except (LocalProtocolError, FormatError):
        return None


@dataclass(slots=True)
class Visit:
    """A client that dialled in: what it has said so far, and what that reads as."""

    today: date
    heard_so_far: bytes = b""
    readings: list[Candidate] = field(default_factory=list)  # that fit equally well
    protocol: str = ""
    replied: int = 0
    trouble: str = ""  # why nothing could be heard

    @property
    def best(self) -> Candidate | None:
        """How it speaks, if that is known by now."""
        return self.readings[0] if self.readings else None

    def heard(self, data: bytes) -> list[bytes]:
        """What to answer: yes to every echo and sign-on, and nothing else to anything else."""
        self.heard_so_far = (self.heard_so_far + data)[:HEARD_MAX]
        self.protocol = stranger(self.heard_so_far) or ""
        if not self.protocol:
            self.readings = fitting(candidates(self.heard_so_far, self.today)) or self.readings
        return self._replies()

    def _replies(self) -> list[bytes]:
        if self.best is None:
            return []
        asked = [message for message in self.best.messages if is_management(message)]
        fresh = asked[self.replied :]
        self.replied = max(self.replied, len(asked))
        return [packed for message in fresh if (packed := approved(self.best.way, message)) is not None]


def institution_of(messages: Iterable[Message]) -> str | None:
    """Who it says it is: the forwarder, else the acquirer, of the first message that says so."""
    for message in messages:
        for number in (de.FORWARDER_ID, de.ACQUIRER_ID):
            if value := message.get(number):
                return value
    return None
