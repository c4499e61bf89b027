"""Record, then send: what must not leave before its record is on disk is held here until it is.

An epoch is what one commit makes durable. While a batch is being written, what arrives belongs to
the next; so the commits size themselves by the load. Which frames must wait is the core's to say.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from switch import records


class Batch(NamedTuple):
    """Records to be made durable in one commit."""

    epoch: int
    records: list[bytes]


class Sends(NamedTuple):
    """What to write to one connection, in order; a token names a transaction that somebody must hear of."""

    frames: list[bytes]
    tokens: list[object]


#: Frames that wait for the disk: connection, frames, and their tokens, where they have any.
Held = tuple[int, list[bytes], "list[Any] | None"]


class Outbox:
    """Records of the current epoch, frames held by it, and frames that may leave."""

    __slots__ = ("_committing", "_epoch", "_held", "_records", "_sends")

    def __init__(self) -> None:
        self._epoch = 0
        self._records: list[bytes] = []
        self._held: list[Held] = []
        self._committing: list[Held] | None = None  # held by the batch that is being written
        self._sends: dict[int, Sends] = {}

    @property
    def has_records(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._records)

    @property
    def is_empty(self) -> bool:
        """Nothing to commit, nothing held, nothing to send."""
        return not (self._records or self._held or self._committing is not None or self._sends)

    @property
    def must_wait(self) -> bool:
        """Whether something recorded is not yet on disk."""
        return bool(self._records) or self._committing is not None

    @property
    def epoch(self) -> int:
        """The epoch that is open."""
        return self._epoch

    def is_on_disk(self, epoch: int) -> bool:
        """Whether all that was recorded while this epoch was open is durable."""
        return not self.must_wait or epoch < self._epoch - (self._committing is not None)

    def record(self, record: records.Record) -> bytes:
        """Add a record to the epoch; its packed form."""
        packed: bytes = records.pack(record)
        self._records.append(packed)
        return packed

    @property
    def open(self) -> tuple[list[bytes], list[Held]]:
        """The packed records of the epoch, and what it holds, to add to: for one who does both a thousand times now.

        Good until the epoch closes.
        """
        return self._records, self._held

    def hold(self, link: int, frame: bytes, token: object = None) -> None:
        """Send once everything recorded so far is durable."""
        self._held.append((link, [frame], None if token is None else [token]))

    def send(self, link: int, frame: bytes, token: object = None) -> None:
        """Send now."""
        sends = self._sends.get(link)
        if sends is None:
            sends = self._sends[link] = Sends([], [])
        sends.frames.append(frame)
        sends.tokens.append(token)

    @property
    def sends(self) -> dict[int, Sends]:
        """What may leave, by connection, to add to; good until it is taken."""
        return self._sends

    def drop(self, link: int) -> list[object]:
        """The connection is gone: the tokens of what had not left yet."""
        unsaid = self._sends.pop(link, None)
        return [] if unsaid is None else unsaid.tokens

    def take_batch(self) -> Batch | None:
        """Close the epoch; one batch at a time. None: nothing to commit, or one is being written."""
        if self._committing is not None or not self._records:
            return None
        batch = Batch(self._epoch, self._records)
        self._committing, self._held, self._records = self._held, [], []
        self._epoch += 1
        return batch

    def durable(self, epoch: int) -> list[Held]:
        """The batch of this epoch is on disk: what may go now, in order."""
        assert self._committing is not None
        assert epoch == self._epoch - 1
        free, self._committing = self._committing, None
        if not self._records:  # what came since waited only for that batch
            free += self._held
            self._held = []
        return free

    def take_sends(self) -> dict[int, Sends]:
        """What may leave, by connection: one write each."""
        sends, self._sends = self._sends, {}
        return sends
