"""Projections: tables made from the journal, for people to ask questions of.

They live in a file of their own that nobody writes but the projector, and that may be thrown away at
any time: the journal makes it again. The projector knows how to store rows and nothing of what records
mean; a pure function of the switch, `project(record)`, turns each record into named statements with
their values. The last batch applied is remembered in the same transaction as its rows.

No card number is here: rows hold the masked number and a keyed token.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

import apsw
import structlog
import trio

from protocols.runtime.exits import UnavailableError
from switch.store import state
from switch.store.journal import Reader, open_reader

FILE: Final = "books.db"
LOCK: Final = "books.lock"
BUSY_TIMEOUT_MS: Final = 5000
BATCHES_PER_COMMIT: Final = 32  # one commit for several batches when there is much to catch up with
INTERVAL_S: Final = 0.1  # how far behind the console may be when nothing hurries

Statement = tuple[str, Sequence[object]]  # (its key in the schema, its values)
Project = Callable[[Any], Iterable[Statement]]

log = structlog.get_logger()

# One row per transaction. `id` is the number the switch gave it; the rest as the record says, NULL until known.
TRANSACTION_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "INTEGER PRIMARY KEY",
        "key": "TEXT",
        "participant": "TEXT",
        "issuer": "TEXT",
        "mti": "TEXT",
        "pan_masked": "TEXT",
        "pan_token": "BLOB",
        "processing_code": "TEXT",
        "amount": "INTEGER",
        "currency": "TEXT",
        "billing_amount": "INTEGER",
        "billing_currency": "TEXT",
        "stan": "TEXT",
        "issuer_stan": "TEXT",
        "rrn": "TEXT",
        "transmitted_at": "TEXT",
        "acquirer_id": "TEXT",
        "terminal_id": "TEXT",
        "card_acceptor_id": "TEXT",
        "state": "TEXT",
        "response_code": "TEXT",
        "reason": "TEXT",
        "approval_code": "TEXT",
        "stand_in": "INTEGER",
        "requested_at": "REAL",
        "answered_at": "REAL",
        "reversed_at": "REAL",
        "business_date": "TEXT",
    }
)

# Each index costs as much again as two thirds of the row, so each says who asks.
TRANSACTION_INDEXES: Final = (
    # A reversal, a dispute and the comparison of books name a transaction by its key.
    "CREATE INDEX transactions_by_key ON transactions (key)",
    # A shop on the phone has the receipt, and the receipt has the RRN. Nearly ascending, so cheap.
    "CREATE INDEX transactions_by_rrn ON transactions (rrn)",
    # A cardholder on the phone has the card; the newest comes first.
    "CREATE INDEX transactions_by_card ON transactions (pan_token, id DESC)",
    # Clearing and settlement read one business date out of years. Ascending, so cheap.
    "CREATE INDEX transactions_by_business_date ON transactions (business_date)",
    # What is owed or in flight: a handful of rows among millions, and the index holds only those.
    "CREATE INDEX transactions_waiting ON transactions (id) WHERE state = 'waiting'",
)


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a projection: how they are made, and the statements that `project` may name.

    A new `version` throws the old tables away and makes them again from the journal.
    """

    version: int
    create: tuple[str, ...]
    statements: Mapping[str, str]


def transactions_schema(version: int, statements: Mapping[str, str]) -> Schema:
    """The table `transactions` with these statements over it, usually made by `upsert`."""
    columns = ", ".join(f"{name} {kind}" for name, kind in TRANSACTION_COLUMNS.items())
    create = (f"CREATE TABLE transactions ({columns}) STRICT", *TRANSACTION_INDEXES)
    return Schema(version, create, MappingProxyType(dict(statements)))


def upsert(*columns: str, table: str = "transactions") -> str:
    """A statement that sets these columns of the row that the first of them names, whether or not it is there yet.

    >>> upsert("id", "state", "answered_at")  # doctest: +NORMALIZE_WHITESPACE
    'INSERT INTO transactions (id, state, answered_at) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, answered_at = excluded.answered_at'
    """
    key, *values = columns
    marks = ", ".join("?" * len(columns))
    setting = ", ".join(f"{name} = excluded.{name}" for name in values)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {setting}"


async def open_projector(folder: str | os.PathLike[str], schema: Schema, project: Project) -> Projector:
    """The projector of this state folder; its only one. The journal must be there."""
    place = Path(folder)
    lock = state.Lock(place / LOCK)
    try:
        reader = await open_reader(place)
    except BaseException:
        lock.release()
        raise
    projector = Projector(place, schema, project, reader, lock)
    try:
        await projector._begin()
    except BaseException:
        await projector.aclose()
        raise
    return projector


async def open_books(folder: str | os.PathLike[str]) -> apsw.AsyncConnection:
    """The projection to read only, from any process, while the projector works and when it does not."""
    path = Path(folder) / FILE
    if not path.exists():
        raise UnavailableError(f"there are no books in {folder}")
    db = await apsw.Connection.as_async(str(path), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOFOLLOW)
    await db.async_run(db.set_busy_timeout, BUSY_TIMEOUT_MS)
    return db


class Projector:
    """Follows the journal and keeps the tables. One task drives it. Use it as a context manager."""

    def __init__(self, folder: Path, schema: Schema, project: Project, reader: Reader, lock: state.Lock) -> None:
        self.applied = 0  # the sequence number of the last batch in the tables
        self._folder = folder
        self._schema = schema
        self._project = project
        self._reader = reader
        self._lock = lock
        self._db: apsw.AsyncConnection | None = None

    async def _begin(self) -> None:
        """Go on where the tables are; start afresh where they are unreadable, of another version or ahead."""
        try:
            await self._open()
        except apsw.Error as error:
            log.warning("books made again", reason=f"{type(error).__name__}: {error}")
            await self.rebuild()
        if self.applied > await self._reader.last():
            log.warning("books made again", reason="they are ahead of the journal")
            await self.rebuild()

    async def _open(self) -> None:
        state.touched(self._folder / FILE)
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW
        self._db = await apsw.Connection.as_async(str(self._folder / FILE), flags=flags)
        self.applied = await self._db.async_run(_prepare, self._db, self._schema)

    async def rebuild(self) -> None:
        """Throw the tables away; `catch_up` makes them again."""
        await self._close_books()
        for suffix in ("", "-wal", "-shm"):
            (self._folder / f"{FILE}{suffix}").unlink(missing_ok=True)
        await self._open()

    async def catch_up(self) -> int:
        """Apply what the journal has and the tables have not; how many batches that was."""
        before = self.applied
        waiting: list[Statement] = []
        seq = before
        async for seq, records in self._reader.replay(after=before):
            for record in records:
                waiting.extend(self._project(record))
            if seq - self.applied >= BATCHES_PER_COMMIT:
                await self._apply(seq, waiting)
                waiting = []
        if seq > self.applied:
            await self._apply(seq, waiting)
        return self.applied - before

    async def run(self, interval_s: float = INTERVAL_S) -> None:
        """Keep up, for ever."""
        while True:
            await self.catch_up()
            await trio.sleep(interval_s)

    async def _apply(self, seq: int, statements: list[Statement]) -> None:
        assert self._db is not None
        with trio.CancelScope(shield=True):  # a transaction of a few milliseconds; half of one has no use
            await self._db.async_run(_apply, self._db, self._schema.statements, statements, seq)
        self.applied = seq

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._close_books()
        await self._reader.aclose()
        self._lock.release()

    async def _close_books(self) -> None:
        if self._db is not None:
            with trio.CancelScope(shield=True):
                await self._db.aclose(force=True)
            self._db = None


def _prepare(db: Any, schema: Schema) -> int:
    """Runs in the connection's thread: the tables of this version, and the last batch in them."""
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "normal")  # a power cut may cost the newest rows; the journal gives them back
    with db:
        if db.pragma("user_version") != schema.version:
            _make_tables(db, schema)
        return int(next(iter(db.execute("SELECT seq FROM applied")))[0])


def _make_tables(db: Any, schema: Schema) -> None:
    for (table,) in list(db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")):
        db.execute(f'DROP TABLE "{table}"')
    for statement in schema.create:
        db.execute(statement)
    db.execute("CREATE TABLE applied (seq INTEGER NOT NULL) STRICT")
    db.execute("INSERT INTO applied VALUES (0)")
    db.pragma("user_version", schema.version)


def _apply(db: Any, texts: Mapping[str, str], statements: list[Statement], seq: int) -> None:
    """Runs in the connection's thread. Order is kept; neighbours of one kind share a prepared statement."""
    with db:
        for key, run in groupby(statements, key=itemgetter(0)):
            db.executemany(texts[key], [values for _, values in run])
        db.execute("UPDATE applied SET seq = ?", (seq,))
