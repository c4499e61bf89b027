"""The pen of the journal: a thread that commits one row at a time and rings a bell when it is on disk.

It exists because of what it leaves out. A commit waits for the disk, so it must not be made in Trio's thread; but
a general bridge between threads (futures, contexts, cancellation) costs twice what the commit itself does, twice
for every transaction when few are under way. Here one value goes over, one byte comes back.

What a row means, and what to do when a commit fails, is the journal's.
"""

from __future__ import annotations

import os
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final

import apsw
import trio

Values = tuple[int | bytes, ...]

BUSY_TIMEOUT_MS: Final = 5000  # a reader holds a lock for a moment when it recovers the log of a killed writer
BELL: Final = b"\x00"


class Pen:
    """One statement, executed and committed as often as it is asked for, one at a time."""

    def __init__(
        self, path: Path, statement: str, *, flags: int, checkpoint_pages: int, vfs: str | None = None
    ) -> None:
        self._db = apsw.Connection(str(path), flags=flags, vfs=vfs)
        self._db.set_busy_timeout(BUSY_TIMEOUT_MS)
        self._db.pragma("synchronous", "full")  # in WAL mode NORMAL commits before the disk has it
        self._db.pragma("wal_autocheckpoint", checkpoint_pages)
        self._statement = statement
        self._rows: SimpleQueue[Values | None] = SimpleQueue()
        self._bell, self._hammer = os.pipe()
        self._error: Exception | None = None
        self._thread = Thread(target=self._write, name="pen of the journal", daemon=True)
        self._thread.start()

    async def write(self, values: Values) -> None:
        """Commit this row; returns when it is on disk. Raises what SQLite raises.

        Not to be cancelled, and not to be called again before it has returned.
        """
        self._rows.put(values)
        await trio.lowlevel.wait_readable(self._bell)
        os.read(self._bell, len(BELL))
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Let the thread finish what it is at, and close."""
        self._rows.put(None)
        await trio.to_thread.run_sync(self._thread.join)
        os.close(self._bell)
        os.close(self._hammer)

    def _write(self) -> None:
        """The thread: after an error nothing is tried again."""
        execute, statement = self._db.execute, self._statement
        while (values := self._rows.get()) is not None:
            if self._error is None:
                try:
                    execute(statement, values)
                except Exception as error:
                    self._error = error
            os.write(self._hammer, BELL)
        self._db.close(True)
