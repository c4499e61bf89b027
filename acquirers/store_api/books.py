"""The store API's books: payments, what is on its way for them, tokens, keys, webhooks. SQLite, one writer.

A commit is on disk when the call returns (WAL, synchronous=FULL); a message is sent only after the row that
tells of it. Calls are made in the gateway's loop and end before it goes on: nobody looks between looking and
acting. What could be a card's is sealed by the vault before it comes here; secrets of keys are digests.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from acquirers.store_api.models import Payment
from protocols.runtime.exits import DamagedStateError, UnavailableError

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE payments (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, merchant TEXT NOT NULL,
  order_reference TEXT, status TEXT NOT NULL, page TEXT UNIQUE, card TEXT, key TEXT, deadline REAL,
  document TEXT NOT NULL);
CREATE INDEX payments_of ON payments (merchant, number);
CREATE INDEX payments_due ON payments (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX payments_keyed ON payments (merchant, key) WHERE key IS NOT NULL;
CREATE TABLE messages (id TEXT PRIMARY KEY, payment TEXT NOT NULL, stan TEXT NOT NULL, state TEXT NOT NULL,
  key TEXT, request BLOB, advice BLOB, advice_stan TEXT);
CREATE INDEX messages_open ON messages (state) WHERE state IN ('sent', 'owed');
CREATE INDEX messages_keyed ON messages (payment, key);
CREATE TABLE tokens (id TEXT PRIMARY KEY, merchant TEXT NOT NULL, public INTEGER NOT NULL, sealed BLOB NOT NULL,
  document TEXT NOT NULL);
CREATE TABLE answers (merchant TEXT, key TEXT, digest TEXT NOT NULL, status INTEGER, body TEXT, at REAL NOT NULL,
  PRIMARY KEY (merchant, key)) WITHOUT ROWID;
CREATE TABLE api_keys (id TEXT PRIMARY KEY, merchant TEXT NOT NULL, digest TEXT UNIQUE NOT NULL,
  document TEXT NOT NULL);
CREATE TABLE webhooks (id TEXT PRIMARY KEY, merchant TEXT NOT NULL, sealed BLOB NOT NULL, document TEXT NOT NULL);
CREATE TABLE deliveries (id INTEGER PRIMARY KEY, webhook TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, due REAL, began REAL NOT NULL);
CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A payment, and what the shop does not see of it."""

    payment: Payment
    page: str | None = None  # digest of the hosted page's secret
    card: str | None = None  # the vault's token of the card that pays
    key: str | None = None  # the Idempotency-Key under which it was registered
    deadline: float | None = None  # when the page, or the wait for the shop, ends


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that went out, or was about to; sealed."""

    id: str  # of the operation
    payment: str
    stan: str
    state: str  # sent, owed, done
    key: str | None
    request: bytes
    advice: bytes | None = None
    advice_stan: str | None = None


class Books:
    """Open for writing. Only one process can have them."""

    def __init__(self, path: Path) -> None:
        """Open or begin them. UnavailableError when somebody has them, DamagedStateError when they are not ours."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(path.with_suffix(".lock"))
        try:
            self._connection = _opened(path)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is done in it is on disk together, or not at all."""
        with self._connection:
            yield

    def rows(self, sql: str, *values: Any) -> list[Sequence[Any]]:
        """Every row at once: a cursor left open would keep the file."""
        return list(self._connection.execute(sql, values))

    def row(self, sql: str, *values: Any) -> Sequence[Any] | None:
        return next(iter(self.rows(sql, *values)), None)

    # --- payments

    def keep(self, kept: Kept) -> None:
        """A payment as it is now."""
        payment = kept.payment
        self.rows(
            "INSERT INTO payments VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET status = excluded.status, page = excluded.page, card = excluded.card,"
            " deadline = excluded.deadline, document = excluded.document",
            payment.id,
            payment.merchant,
            payment.order_reference,
            payment.status.value,
            kept.page,
            kept.card,
            kept.key,
            kept.deadline,
            payment.model_dump_json(),
        )

    def payment(self, id_: str, merchant: str | None = None) -> Kept | None:
        """By its id; None where it is not there, or another merchant's."""
        return self._one("id = ? AND (?2 IS NULL OR merchant = ?2)", id_, merchant)

    def payment_on_page(self, page: str) -> Kept | None:
        return self._one("page = ?", page)

    def payment_keyed(self, merchant: str, key: str) -> Kept | None:
        """The one that was registered under an Idempotency-Key."""
        return self._one("merchant = ? AND key = ?", merchant, key)

    def payments_due(self, now: float, most: int = 100) -> list[Kept]:
        """Those whose time is over."""
        return self._found("deadline <= ? ORDER BY deadline LIMIT ?", now, most)

    def payments_of(self, merchant: str, reference: str | None, after: str | None, most: int) -> list[Kept]:
        """The newest first, from one of them on."""
        return self._found(
            "merchant = ?1 AND (?2 IS NULL OR order_reference = ?2) AND (?3 IS NULL OR number <"
            " (SELECT number FROM payments WHERE id = ?3)) ORDER BY number DESC LIMIT ?4",
            merchant,
            reference,
            after,
            most,
        )

    def _one(self, condition: str, *values: Any) -> Kept | None:
        return next(iter(self._found(condition, *values)), None)

    def _found(self, condition: str, *values: Any) -> list[Kept]:
        found = self.rows(f"SELECT document, page, card, key, deadline FROM payments WHERE {condition}", *values)
        return [Kept(Payment.model_validate_json(document), *rest) for document, *rest in found]

    # --- messages

    def send(self, sent: Sent) -> None:
        """What is about to go out, and what became of it."""
        self.rows(
            "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(sent.id, sent.payment, sent.stan, sent.state, sent.key, sent.request, sent.advice, sent.advice_stan),
        )

    def message(self, id_: str) -> Sent | None:
        return next(iter(self._messages("id = ?", id_)), None)

    def messages_open(self) -> list[Sent]:
        """Those without an end: in flight, or owed."""
        return self._messages("state IN ('sent', 'owed')")

    def messages_keyed(self, merchant: str, key: str) -> list[Sent]:
        return self._messages("key = ? AND payment IN (SELECT id FROM payments WHERE merchant = ?)", key, merchant)

    def message_owed(self, advice_stan: str) -> Sent | None:
        return next(iter(self._messages("state = 'owed' AND advice_stan = ?", advice_stan)), None)

    def _messages(self, condition: str, *values: Any) -> list[Sent]:
        columns = "id, payment, stan, state, key, request, advice, advice_stan"
        return [Sent(*row) for row in self.rows(f"SELECT {columns} FROM messages WHERE {condition}", *values)]


def _opened(path: Path) -> apsw.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(5_000)  # a reader of the books never holds the file for long
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        (version,) = next(iter(connection.execute("PRAGMA user_version")))
        if version == 0:
            with connection:
                connection.execute(SCHEMA)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif version != SCHEMA_VERSION:
            raise DamagedStateError(f"{path}: of version {version}, and this is {SCHEMA_VERSION}")
    except apsw.Error as error:
        connection.close()
        raise DamagedStateError(f"{path}: cannot be read: {type(error).__name__}") from None
    return connection


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UnavailableError(f"{path.with_suffix('.db').name} is open in another process") from None
    return descriptor
