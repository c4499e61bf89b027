"""What a bank's books need of a database, and the one that needs no server: SQLite through apsw.

Calls are made in the host's loop and end before it goes on: nobody may be answered before the commit, and
nobody looks between looking and acting. A failed call raises one of `errors`; the store ends the process.
SQL is the same for all of them, with `?` for a value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import apsw

from issuers.tables import INDEXES, LINES, SCHEMA_VERSION, TABLES, Table
from protocols.runtime.exits import DamagedStateError, UnavailableError

BUSY_TIMEOUT_MS: Final = 5_000  # a reader of the books never holds the file for long

Row = Sequence[Any]


class Database(Protocol):
    """One connection, used by one task."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What a failed call raises."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...

    def many(self, sql: str, rows: Sequence[Row]) -> None:
        """The same statement for each row; nothing at all where there is none."""

    def transaction(self) -> Any:
        """A context: all that is done in it is done together, and on disk when it ends."""

    def reading(self) -> Any:
        """A context: all that is read in it is of one moment."""

    def among(self, column: str, keys: Iterable[str]) -> tuple[str, Any]:
        """A condition that the column is one of these, and its one value; one statement for any number of keys."""

    def close(self) -> None:
        """Idempotent."""


def by_keys(database: Database, table: Table[Any], column: str, keys: Iterable[str]) -> list[Any]:
    """The rows whose column is one of these."""
    wanted = list(keys)
    if not wanted:
        return []
    condition, value = database.among(column, wanted)
    return [table.value(row) for row in database.rows(f"{table.select} WHERE {condition}", (value,))]


class Sqlite:
    """A file of the bank's own. A commit is on disk when it returns (WAL with synchronous=FULL)."""

    errors = (apsw.Error,)

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @classmethod
    def to_write(cls, path: Path) -> Sqlite:
        """The file with its schema; a new one belongs to its owner alone."""
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
        connection = _connected(path, apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _with_schema(connection, path)
        except apsw.Error as error:
            connection.close()
            raise DamagedStateError(f"{path}: cannot be read: {type(error).__name__}") from None
        return cls(connection)

    @classmethod
    def to_read(cls, path: Path) -> Sqlite:
        """The same file, for whoever only looks, while its host runs and when it does not."""
        return cls(_connected(path, apsw.SQLITE_OPEN_READONLY))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return list(self._connection.execute(sql, values))

    def many(self, sql: str, rows: Sequence[Row]) -> None:
        if rows:
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """After an error it stays open: the process ends, and nothing of it was written."""
        self._connection.execute("BEGIN IMMEDIATE")
        yield
        self._connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All that is read in it is of one moment."""
        self._connection.execute("BEGIN")
        yield
        self._connection.execute("COMMIT")

    def among(self, column: str, keys: Iterable[str]) -> tuple[str, Any]:
        return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(list(keys))

    def close(self) -> None:
        self._connection.close()


def _connected(path: Path, flags: int) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path), flags=flags)
    except apsw.Error as error:
        raise UnavailableError(f"{path}: cannot be opened: {type(error).__name__}") from None
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection


def _with_schema(connection: apsw.Connection, path: Path) -> None:
    version = connection.pragma("user_version")
    if version == SCHEMA_VERSION:
        return
    if version not in range(SCHEMA_VERSION):
        raise DamagedStateError(f"{path}: written by version {version} of this program, which knows {SCHEMA_VERSION}")
    with connection:
        for statement in _schema(connection):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _schema(connection: apsw.Connection) -> Iterator[str]:
    """What a new file needs, and what one of an earlier version lacks."""
    for table in TABLES:
        present = _columns(connection, table.name)
        if present:
            yield from table.added(present)
            if table.name == "bookings" and "agreed" not in present:
                # before version 2 there was no difference
                yield "UPDATE bookings SET agreed = amount, authorized = amount"
        else:
            yield f"{table.definition} WITHOUT ROWID"
    for name, columns in LINES.items():
        present = _columns(connection, name)
        lines = [f'"{column}" {kind}' for column, kind in columns.items() if column not in present]
        if not present:
            yield f"CREATE TABLE {name} (number INTEGER PRIMARY KEY, {', '.join(lines)})"
        else:
            yield from (f"ALTER TABLE {name} ADD COLUMN {line}" for line in lines)
    yield from INDEXES


def _columns(connection: apsw.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}
