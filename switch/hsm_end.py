"""The HSM as the core knows it: links, and commands that wait for their answers.

Four characters of header bring an answer back to its command. What a command asks, and what its
answer means, is the stories'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from protocols.errors import RemoteProtocolError
from protocols.hsm import HEADER_LENGTH, HsmAnswer, pack_request, read_answer
from switch.ends import LinkEnd
from switch.instant import Instant
from switch.story import AskHsm
from switch.transaction import Transaction

HEADERS = 10_000  # four digits: twenty times what a thousand PINs a second leave open within a deadline


class Errand:
    """A question that is no story's. `heard` gets the answer, or None where there is none, and the moment."""

    __slots__ = ("heard",)

    def __init__(self, heard: Callable[[HsmAnswer | None, Instant], None]) -> None:
        self.heard = heard


Asker = Transaction | Errand


class Open(NamedTuple):
    """A question that is out."""

    asker: Asker
    command: AskHsm
    deadline: float
    link: int


class HsmEnd:
    """Links to the HSM, taken in turns, and what is out to it."""

    __slots__ = ("_pending", "_sequence", "answers", "asked", "links", "silent")

    def __init__(self) -> None:
        self.links: list[LinkEnd] = []
        self._pending: dict[bytes, Open] = {}
        self.silent: set[int] = set()  # links on which a question was not answered in time
        self._sequence = 0
        self.asked = 0  # commands that went out, and answers that came to them
        self.answers = 0

    def ask(self, asker: Asker, command: AskHsm, deadline: float) -> tuple[int, bytes] | None:
        """The link and the frame to send; None where nobody is there, or too much is out already."""
        self._sequence = (self._sequence + 1) % HEADERS
        header = b"%04d" % self._sequence
        if not self.links or header in self._pending:
            return None
        self.asked += 1
        return self._put(header, asker, command, deadline)

    def _put(self, header: bytes, asker: Asker, command: AskHsm, deadline: float) -> tuple[int, bytes]:
        link = self.links[self._sequence % len(self.links)]
        self._pending[header] = Open(asker, command, deadline, link.number)
        return link.number, pack_request(command.command, header, command.fields)

    def moved_from(self, number: int) -> list[tuple[int, bytes]]:
        """A link is gone: what was out on it, for the others. Asking an HSM twice does no harm."""
        self.silent.discard(number)
        if not self.links:
            return []
        moved = [(header, one) for header, one in self._pending.items() if one.link == number]
        return [self._put(header, one.asker, one.command, one.deadline) for header, one in moved]

    def answered(self, frame: bytes) -> tuple[Asker, HsmAnswer | None] | None:
        """Whom the answer is for, and the answer, None where it cannot be read; None where nobody waits for it."""
        waiting = self._pending.pop(bytes(frame[:HEADER_LENGTH]), None)
        if waiting is None:
            return None
        self.answers += 1
        asker, command = waiting.asker, waiting.command
        try:
            return asker, read_answer(command.command, frame, HEADER_LENGTH, command.fields)
        except RemoteProtocolError:
            return asker, None

    def late(self, now: float) -> list[Asker]:
        """Who has waited for too long; they wait no more."""
        late = [self._pending.pop(header) for header, one in list(self._pending.items()) if one.deadline <= now]
        self.silent.update(one.link for one in late)
        return [one.asker for one in late]

    def take_silent(self) -> list[int]:
        """Links to give up, because an HSM there does not answer and another is there to be asked."""
        if len(self.links) < 2:
            self.silent.clear()
            return []
        silent, self.silent = sorted(self.silent), set()
        return silent[: len(self.links) - 1]

    def forget(self, transaction: Transaction) -> None:
        """Nobody waits for this one's answer any more."""
        for header in [header for header, one in self._pending.items() if one.asker is transaction]:
            del self._pending[header]

    def give_up(self) -> list[Asker]:
        """Everybody who waits; they wait no more."""
        waiting, self._pending = self._pending, {}
        return [one.asker for one in waiting.values()]

    @property
    def in_flight(self) -> int:
        """How many questions are out."""
        return len(self._pending)

    @property
    def is_idle(self) -> bool:
        """Nobody waits."""
        return not self._pending
