"""The HSM as the core knows it: links, and commands that wait for their answers.

Four characters of header bring an answer back to its command. What a command asks, and what its
answer means, is the stories'.
"""

from __future__ import annotations

from protocols.errors import RemoteProtocolError
from protocols.hsm import HEADER_LENGTH, HsmAnswer, pack_request, read_answer
from switch.ends import LinkEnd
from switch.story import AskHsm
from switch.transaction import Transaction

HEADERS = 10_000  # four digits: twenty times what a thousand PINs a second leave open within a deadline


class HsmEnd:
    """Links to the HSM, taken in turns, and what is out to it."""

    __slots__ = ("_pending", "_sequence", "links")

    def __init__(self) -> None:
        self.links: list[LinkEnd] = []
        self._pending: dict[bytes, tuple[Transaction, str, float]] = {}
        self._sequence = 0

    def ask(self, transaction: Transaction, command: AskHsm, deadline: float) -> tuple[int, bytes] | None:
        """The link and the frame to send; None where nobody is there, or too much is out already."""
        self._sequence = (self._sequence + 1) % HEADERS
        header = b"%04d" % self._sequence
        if not self.links or header in self._pending:
            return None
        self._pending[header] = (transaction, command.command, deadline)
        link = self.links[self._sequence % len(self.links)]
        return link.number, pack_request(command.command, header, command.fields)

    def answered(self, frame: bytes) -> tuple[Transaction, HsmAnswer | None] | None:
        """Whom the answer is for, and the answer, None where it cannot be read; None where nobody waits for it."""
        waiting = self._pending.pop(bytes(frame[:HEADER_LENGTH]), None)
        if waiting is None:
            return None
        transaction, command, _ = waiting
        try:
            return transaction, read_answer(command, frame)
        except RemoteProtocolError:
            return transaction, None

    def late(self, now: float) -> list[Transaction]:
        """Who has waited for too long; they wait no more."""
        headers = [header for header, (_, _, deadline) in self._pending.items() if deadline <= now]
        return [self._pending.pop(header)[0] for header in headers]

    def forget(self, transaction: Transaction) -> None:
        """Nobody waits for this one's answer any more."""
        for header in [header for header, waiting in self._pending.items() if waiting[0] is transaction]:
            del self._pending[header]

    def give_up(self) -> list[Transaction]:
        """Everybody who waits; they wait no more."""
        waiting, self._pending = self._pending, {}
        return [transaction for transaction, _, _ in waiting.values()]
