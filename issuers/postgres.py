"""The same books in PostgreSQL, for a bank whose TOML says `database = "postgresql://…"`.

A schema of its own for each bank, so several share one database; an advisory lock says that one process
has it, and goes with the connection. psycopg's plain connection is used in the host's loop, as SQLite is: a
commit must be waited for before anybody is answered, and a server that does not answer ends the process
within `SILENT_S` like a disk that fails. A password belongs into PGPASSWORD or a `.pgpass` file.

psycopg is an extra (`payswitch[postgres]`) and imported only here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql as text

from issuers.database import Row
from issuers.tables import INDEXES, LINES, SCHEMA_VERSION, TABLES
from protocols.runtime.exits import DamagedStateError, UnavailableError

SILENT_S: Final = 5  # below the issuer's deadline of 8 s: who waits hears at least that the bank is gone
CONNECTING: Final = {"connect_timeout": SILENT_S, "tcp_user_timeout": SILENT_S * 1000, "keepalives_idle": SILENT_S}


class Postgres:
    """One connection to one bank's schema."""

    errors = (psycopg.Error,)

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @classmethod
    def to_write(cls, url: str, bank: str) -> Postgres:
        """The bank's schema, made if need be. UnavailableError: no server, or another process has these books."""
        connection = _connected(url)
        try:
            with connection.transaction():
                _lock(connection, bank)
                _with_schema(connection, bank)
        except psycopg.Error as error:
            connection.close()
            raise DamagedStateError(f"the books of {bank} cannot be read: {type(error).__name__}") from None
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    @classmethod
    def to_read(cls, url: str, bank: str) -> Postgres:
        connection = _connected(url)
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SET default_transaction_isolation = 'repeatable read'")
        connection.execute(text.SQL("SET search_path = {}").format(text.Identifier(schema_of(bank))))
        return cls(connection)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        cursor = self._connection.execute(_marked(sql), values)
        return cursor.fetchall() if cursor.description else []

    def many(self, sql: str, rows: Sequence[Row]) -> None:
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(_marked(sql), rows)

    def transaction(self) -> Any:
        return self._connection.transaction()

    def reading(self) -> Any:
        return self._connection.transaction()

    def among(self, column: str, keys: Iterable[str]) -> tuple[str, Any]:
        return f"{column} = ANY(?)", list(keys)

    def close(self) -> None:
        self._connection.close()


def schema_of(bank: str) -> str:
    """
    >>> schema_of("nbk-2")
    'issuer_nbk_2'
    """
    return "issuer_" + re.sub("[^a-z0-9]", "_", bank)


def _marked(sql: str) -> bytes:
    """`?` for a value becomes psycopg's `%s`; none of our statements has either in it otherwise."""
    return sql.replace("?", "%s").encode()


def _connected(url: str) -> psycopg.Connection[Any]:
    try:
        connection = psycopg.connect(url, autocommit=True, **CONNECTING)  # type: ignore[arg-type]
        connection.execute(f"SET statement_timeout = {SILENT_S * 1000}".encode())
    except psycopg.Error as error:
        raise UnavailableError(f"PostgreSQL cannot be reached: {type(error).__name__}") from None
    return connection


def _lock(connection: psycopg.Connection[Any], bank: str) -> None:
    number = int.from_bytes(hashlib.sha256(f"payswitch issuer {bank}".encode()).digest()[:8], "big", signed=True)
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
    if row is None or not row[0]:
        raise UnavailableError(f"another process has the books of {bank}")


def _with_schema(connection: psycopg.Connection[Any], bank: str) -> None:
    schema = text.Identifier(schema_of(bank))
    connection.execute(text.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    connection.execute(text.SQL("SET search_path = {}").format(schema))
    connection.execute("CREATE TABLE IF NOT EXISTS version (number INTEGER NOT NULL)")
    row = connection.execute("SELECT number FROM version").fetchone()
    if row is not None and row[0] == SCHEMA_VERSION:
        return
    if row is not None and row[0] > SCHEMA_VERSION:
        raise DamagedStateError(
            f"the books of {bank}: written by version {row[0]}, this program knows {SCHEMA_VERSION}"
        )
    for statement in _statements(connection, schema_of(bank)):
        connection.execute(statement.encode())
    connection.execute("DELETE FROM version")
    connection.execute("INSERT INTO version VALUES (%s)", (SCHEMA_VERSION,))


def _statements(connection: psycopg.Connection[Any], schema: str) -> Iterable[str]:
    found = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    present: dict[str, set[str]] = {}
    for table_name, column in connection.execute(found, (schema,)):
        present.setdefault(table_name, set()).add(column)
    for table in TABLES:
        yield from table.added(present[table.name]) if table.name in present else (table.definition,)
    for name, columns in LINES.items():
        lines = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        yield f"CREATE TABLE IF NOT EXISTS {name} (number BIGSERIAL PRIMARY KEY, {lines})"
    yield from INDEXES
