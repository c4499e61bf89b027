"""An acquirer's books: each request that came in, by what name it went on, and what became of it.

One row a leg, written before the next thing is sent: after a kill at any moment the name of what may be out there is
known. Who repeats is answered from here. No card number, track or PIN is kept: a reversal brings its own.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from acquirers.hosting.contracts import NOTHING_BOARDED, Boarded

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS legs (
    "key" TEXT PRIMARY KEY, upstream TEXT NOT NULL, state TEXT NOT NULL, response_code TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', approval_code TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT '',
    about TEXT NOT NULL DEFAULT '', is_sale INTEGER NOT NULL DEFAULT 0, merchant TEXT NOT NULL DEFAULT '',
    tenant TEXT NOT NULL DEFAULT '', amount INTEGER NOT NULL DEFAULT 0, currency TEXT NOT NULL DEFAULT '',
    day TEXT NOT NULL DEFAULT '', rrn TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS boarded (
    merchant TEXT NOT NULL, what TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (merchant, what, id)
) STRICT;
"""
SENT, APPROVED, DECLINED, REVERSED = "sent", "approved", "declined", "reversed"


class Leg(NamedTuple):
    """One request. `key`: as the switch named it to us; `upstream`: DE 90 of what we made of it; amounts minor."""

    key: str
    upstream: str
    state: str
    response_code: str = ""
    reason: str = ""
    approval_code: str = ""
    type: str = ""
    about: str = ""  # the key of what it completes
    is_sale: int = 0  # whether it makes a settlement line
    merchant: str = ""
    tenant: str = ""
    amount: int = 0
    currency: str = ""
    day: str = ""
    rrn: str = ""


class Ledger:
    """The books of one acquirer, in one file; one process writes the legs, any may board."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)

    def close(self) -> None:
        self._db.close()

    def leg(self, key: str) -> Leg | None:
        row = self._db.execute('SELECT * FROM legs WHERE "key" = ?', (key,)).fetchone()
        return None if row is None else Leg(*row)

    def put(self, leg: Leg) -> None:
        """Write it down, in place of what was known of it; on disk when this returns."""
        self._db.execute(f"INSERT OR REPLACE INTO legs VALUES ({','.join('?' * len(leg))})", leg)

    def legs(self, day: str | None = None) -> list[Leg]:
        """All that make a settlement line: of one business date (YYYY-MM-DD, UTC), or ever."""
        query = "SELECT * FROM legs WHERE is_sale = 1 AND state = ? AND (? IS NULL OR day = ?) ORDER BY rowid"
        return [Leg(*row) for row in self._db.execute(query, (APPROVED, day, day))]

    def board(self, merchant: str, what: str, id_: str, name: str = "") -> None:
        """A terminal or a tenant of a merchant, from now on."""
        self._db.execute("INSERT OR REPLACE INTO boarded VALUES (?, ?, ?, ?)", (merchant, what, id_, name))

    def boarded(self, merchant: str) -> Boarded:
        rows = self._db.execute("SELECT what, id, name FROM boarded WHERE merchant = ?", (merchant,)).fetchall()
        if not rows:
            return NOTHING_BOARDED
        terminals = frozenset(id_ for what, id_, _ in rows if what == "terminal")
        return Boarded(terminals, {id_: name for what, id_, name in rows if what == "tenant"})

    def forget_completions(self, about: str) -> None:
        """What took a reservation that was taken back is taken back with it."""
        self._db.execute("UPDATE legs SET state = ? WHERE about = ?", (REVERSED, about))
