"""The HSM as the core knows it: links, and commands that wait for their answers.

Four characters of header bring an answer back to its command. What a command asks, and what its
answer means, is the stories'.
"""

from __future__ import annotations

from collections.abc import Callable

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


class HsmEnd:
    """Links to the HSM, taken in turns, and what is out to it."""

    __slots__ = ("_pending", "_sequence", "links")

    def __init__(self) -> None:
        self.links: list[LinkEnd] = []
        self._pending: dict[bytes, tuple[Asker, AskHsm, float]] = {}
        self._sequence = 0

    def ask(self, asker: Asker, command: AskHsm, deadline: float) -> tuple[int, bytes] | None:
        """The link and the frame to send; None where nobody is there, or too much is out already."""
        self._sequence = (self._sequence + 1) % HEADERS
        header = b"%04d" % self._sequence
        if not self.links or header in self._pending:
            return None
        self._pending[header] = (asker, command, deadline)
        link = self.links[self._sequence % len(self.links)]
        return link.number, pack_request(command.command, header, command.fields)

    def answered(self, frame: bytes) -> tuple[Asker, HsmAnswer | None] | None:
        """Whom the answer is for, and the answer, None where it cannot be read; None where nobody waits for it."""
        waiting = self._pending.pop(bytes(frame[:HEADER_LENGTH]), None)
        if waiting is None:
            return None
        asker, command, _ = waiting
        try:
            return asker, read_answer(command.command, frame, HEADER_LENGTH, command.fields)
        except RemoteProtocolError:
            return asker, None

    def late(self, now: float) -> list[Asker]:
        """Who has waited for too long; they wait no more."""
        headers = [header for header, (_, _, deadline) in self._pending.items() if deadline <= now]
        return [self._pending.pop(header)[0] for header in headers]

    def forget(self, transaction: Transaction) -> None:
        """Nobody waits for this one's answer any more."""
        for header in [header for header, waiting in self._pending.items() if waiting[0] is transaction]:
            del self._pending[header]

    def give_up(self) -> list[Asker]:
        """Everybody who waits; they wait no more."""
        waiting, self._pending = self._pending, {}
        return [asker for asker, _, _ in waiting.values()]

    @property
    def is_idle(self) -> bool:
        """Nobody waits."""
        return not self._pending
