"""What terminals and cards must not forget: how often each was used. One small file, no card number in it.

The number of a chip's or a PIN pad's transactions may never come twice: the next one is on disk before it is used. A
card is known by a token under a key of this file's own.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from acquirers.terminals.dukpt import next_counter
from protocols.pan import Pan

COUNTERS: Final = Path("acquirers", "terminals.db")  # in the state folder
ATC_BITS: Final = 16
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, used INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS own (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
"""


class Counters:
    """How often cards and PIN pads were used; several processes may share the file."""

    def __init__(self, path: Path | None) -> None:
        """`path`: None keeps it in memory, for as long as this lives."""
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, timeout=10.0)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)
        self._db.execute("INSERT OR IGNORE INTO own VALUES ('key', ?)", (secrets.token_bytes(32),))
        (self._key,) = self._db.execute("SELECT value FROM own WHERE name = 'key'").fetchone()

    def close(self) -> None:
        self._db.close()

    def of_card(self, pan: Pan) -> Callable[[], int]:
        """Counts this card's chip: 1, 2, …; the 65536th time it is worn out (ValueError)."""
        token = hmac.digest(self._key, pan.clear().encode(), "sha256")[:16].hex()
        return lambda: self._next(f"card/{token}", ATC_BITS, ATC_BITS)

    def of_pad(self, terminal: str) -> Callable[[int, int], int]:
        """Counts the PINs typed at this terminal, skipping counters that have too many bits set."""
        return lambda most_bits, bits: self._next(f"pad/{terminal}", most_bits, bits)

    def _next(self, name: str, most_bits: int, bits: int) -> int:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            row = self._db.execute("SELECT used FROM counters WHERE name = ?", (name,)).fetchone()
            found = next_counter(row[0] if row else 0, most_bits, bits)
            self._db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, found))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return found
