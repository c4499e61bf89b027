"""The bank's memory on disk: one SQLite file, and the key under which card numbers become tokens.

`fetch` gives the snapshot that a batch of requests needs; `record` writes what was decided on it, in
one transaction, before anybody is answered. A commit is on disk when `record` returns (WAL with
synchronous=FULL). A commit that fails ends the process: trying again may "succeed" and lose the data.

Cards and accounts are read once and kept, for this store is their only writer; a lock file sees to that.
Bookings and answers are read as they are needed, so memory does not grow with the bank's past. No card
number is in the file, and no PIN.

The snapshot's rules are `book`'s, what is decided is `decide`'s.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import apsw

from issuers.accounts import Account, Ended, Held, Hold, HoldState, Posted, Reduced, sums_by_currency
from issuers.ask import Ask, Tokens
from issuers.book import Book, Booking, BookingState, Card, CardState, Effect, Given, Way
from protocols.runtime.exits import DamagedStateError, FatalError, UnavailableError

SCHEMA_VERSION: Final = 1
TOKEN_KEY_BYTES: Final = 32
BUSY_TIMEOUT_MS: Final = 5_000  # a reader of the books never holds the file for long

Value = TypeVar("Value")


class StoreFailedError(FatalError):
    """The disk did not take what was decided. Nobody has been answered; nobody may be."""


@dataclass(frozen=True)
class Table(Generic[Value]):
    """One dataclass, one table: a column per field, the first is the key.

    `read` turns columns into fields where they differ; enumerations of text need no turning to be written.
    """

    name: str
    of: Callable[..., Value]
    read: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    write: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    @cached_property
    def columns(self) -> list[str]:
        return [column.name for column in fields(self.of)]  # type: ignore[arg-type]

    @property
    def definition(self) -> str:
        key, *rest = (f'"{column}"' for column in self.columns)
        return f"CREATE TABLE {self.name} ({key} PRIMARY KEY NOT NULL, {', '.join(rest)}) WITHOUT ROWID"

    @cached_property
    def upsert(self) -> str:
        return f"INSERT OR REPLACE INTO {self.name} VALUES ({', '.join('?' * len(self.columns))})"

    def row(self, value: Value) -> Sequence[Any]:
        return self._with(self._fields(value), self._writers)

    def value(self, row: Sequence[Any]) -> Value:
        return self.of(*self._with(row, self._readers))

    def by_keys(self, connection: apsw.Connection, keys: Iterable[str]) -> list[Value]:
        """The rows of these keys; one statement for any number of them, so it is prepared once."""
        wanted = list(keys)
        if not wanted:
            return []
        found = f"SELECT * FROM {self.name} WHERE {self.columns[0]} IN (SELECT value FROM json_each(?))"
        return [self.value(row) for row in connection.execute(found, (json.dumps(wanted),))]

    def all(self, connection: apsw.Connection) -> list[Value]:
        return [self.value(row) for row in connection.execute(f"SELECT * FROM {self.name}")]

    @cached_property
    def _fields(self) -> Callable[[Value], Sequence[Any]]:
        return attrgetter(*self.columns)

    @cached_property
    def _readers(self) -> list[tuple[int, Callable[[Any], Any]]]:
        return [(self.columns.index(name), turn) for name, turn in self.read.items()]

    @cached_property
    def _writers(self) -> list[tuple[int, Callable[[Any], Any]]]:
        return [(self.columns.index(name), turn) for name, turn in self.write.items()]

    @staticmethod
    def _with(row: Sequence[Any], turns: list[tuple[int, Callable[[Any], Any]]]) -> Sequence[Any]:
        if not turns:
            return row
        turned = list(row)
        for index, turn in turns:
            turned[index] = turn(turned[index])
        return turned


def _answer(text: str) -> dict[int, str]:
    return {int(number): value for number, value in json.loads(text).items()}


ACCOUNTS: Final = Table("accounts", Account, {"own": bool})
CARDS: Final = Table("cards", Card, {"state": CardState})
HOLDS: Final = Table("holds", Hold, {"state": HoldState})
BOOKINGS: Final = Table(
    "bookings",
    Booking,
    {"state": BookingState, "way": Way, "overlimit": bool, "advised": bool, "is_tombstone": bool},
)
GIVEN: Final = Table("given", Given, {"answer": _answer}, {"answer": json.dumps})

ENTRIES: Final = "CREATE TABLE entries (number INTEGER PRIMARY KEY, key, account, amount, text)"
INSERT_ENTRY: Final = "INSERT INTO entries (key, account, amount, text) VALUES (?, ?, ?, ?)"
SCHEMA: Final = (ENTRIES, *(table.definition for table in (ACCOUNTS, CARDS, HOLDS, BOOKINGS, GIVEN)))


class Store:
    """One bank's file, open for writing. Only one process can have it."""

    def __init__(self, path: Path) -> None:
        """Open it, or begin it. Raises UnavailableError (somebody has it), DamagedStateError (it is not ours)."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._lock = _locked(path.with_suffix(".lock"))
        self._connection = _opened(path)
        self.tokens = Tokens(_token_key(path.with_suffix(".key")))
        self.accounts = {account.id: account for account in ACCOUNTS.all(self._connection)}
        self.cards = {card.token: card for card in CARDS.all(self._connection)}

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def fetch(self, asks: Iterable[Ask]) -> Book:
        """All that these requests may look at. A DE 90 without institutions is completed on the way."""
        asks = list(asks)
        for ask in asks:
            if ask.original_prefix is not None:
                ask.original_key = self._key_beginning(ask.original_prefix) or ask.original_key
        originals = {ask.original_key for ask in asks if ask.original_key}
        return Book(
            self.cards,
            self.accounts,
            BOOKINGS.by_keys(self._connection, originals | {ask.booking_key for ask in asks}),
            HOLDS.by_keys(self._connection, originals),
            GIVEN.by_keys(self._connection, {ask.key for ask in asks}),
        )

    def _key_beginning(self, prefix: str) -> str | None:
        found = "SELECT key FROM bookings WHERE key >= ? AND key < ? LIMIT 2"
        keys = [str(key) for (key,) in self._connection.execute(found, (prefix, prefix + "\x7f"))]
        return keys[0] if len(keys) == 1 else None  # two candidates are none: nothing is guessed

    def record(self, book: Book, effects: Sequence[Effect]) -> None:
        """Write what the effects have made of the snapshot, in one commit. StoreFailedError ends the process."""
        if not effects:
            return
        try:
            self._write(book, effects)
        except apsw.Error as error:
            raise StoreFailedError(f"{self.path.name}: cannot be written: {type(error).__name__}") from None

    def _write(self, book: Book, effects: Sequence[Effect]) -> None:
        execute, executemany = self._connection.execute, self._connection.executemany
        changed = _Changed(effects)
        execute("BEGIN IMMEDIATE")
        executemany(INSERT_ENTRY, changed.entries)
        accounts = changed.accounts | {book.ledger.holds[key].account for key in changed.holds}
        executemany(ACCOUNTS.upsert, [ACCOUNTS.row(book.ledger.accounts[account]) for account in accounts])
        executemany(HOLDS.upsert, [HOLDS.row(book.ledger.holds[key]) for key in changed.holds])
        executemany(CARDS.upsert, [CARDS.row(book.cards[token]) for token in changed.cards])
        executemany(BOOKINGS.upsert, [BOOKINGS.row(book.bookings[key]) for key in changed.bookings])
        executemany(GIVEN.upsert, [GIVEN.row(book.given[key]) for key in changed.given])
        execute("COMMIT")

    def problems(self) -> list[str]:
        """What is wrong with the ledger, if anything: sums, balances, holds. For the audit and for tests."""
        return ledger_problems(self._connection)


class _Changed:
    """Which rows the effects of a batch touch; each is written once, as it stands in the end."""

    def __init__(self, effects: Iterable[Effect]) -> None:
        self.entries: list[tuple[str, str, int, str]] = []
        self.accounts: set[str] = set()
        self.holds: set[str] = set()
        self.cards: set[str] = set()
        self.bookings: set[str] = set()
        self.given: set[str] = set()
        for effect in effects:
            self._note(effect)

    def _note(self, effect: Effect) -> None:
        match effect:
            case Posted():
                self.entries += [(effect.key, entry.account, entry.amount, effect.text) for entry in effect.entries]
                self.accounts |= {entry.account for entry in effect.entries}
            case Held() | Reduced() | Ended():
                self.holds.add(effect.key)
            case Card():
                self.cards.add(effect.token)
            case Booking():
                self.bookings.add(effect.key)
            case Given():
                self.given.add(effect.key)
            case Account():
                self.accounts.add(effect.id)


def ledger_problems(connection: apsw.Connection) -> list[str]:
    """Double entry, checked from the entries and holds up: nothing is believed that can be added."""
    accounts = {account.id: account for account in ACCOUNTS.all(connection)}
    entries = list(connection.execute("SELECT account, SUM(amount) FROM entries GROUP BY account"))
    held = dict(connection.execute("SELECT account, SUM(amount) FROM holds WHERE state = 'active' GROUP BY account"))
    posted = dict(entries)
    sums = sums_by_currency((accounts[account].currency, amount) for account, amount in entries)
    return [
        *(f"the entries in {code} sum to {total}, not to zero" for code, total in sums.items() if total),
        *(
            f"account {account.id}: posted or held is not the sum of its entries or holds"
            for account in accounts.values()
            if (account.posted, account.held) != (posted.get(account.id, 0), held.get(account.id, 0))
        ),
    ]


def read_books(path: Path) -> list[dict[str, object]]:
    """The bank's bookings, for the audit; while its host runs and when it does not. Nothing yet: an empty list."""
    if not path.is_file():
        return []
    connection = _connected(path, apsw.SQLITE_OPEN_READONLY)
    try:
        rows = connection.execute("SELECT key, state, amount, currency FROM bookings ORDER BY key")
        return [dict(zip(("key", "state", "amount", "currency"), row, strict=True)) for row in rows]
    except apsw.Error as error:
        raise DamagedStateError(f"{path}: cannot be read: {type(error).__name__}") from None
    finally:
        connection.close()


def bank_path(state: Path, name: str) -> Path:
    """Where a bank's file lies in a state directory."""
    return state / "issuers" / f"{name}.db"


def _opened(path: Path) -> apsw.Connection:
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
    return connection


def _connected(path: Path, flags: int) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path), flags=flags)
    except apsw.Error as error:
        raise UnavailableError(f"{path}: cannot be opened: {type(error).__name__}") from None
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection


def _with_schema(connection: apsw.Connection, path: Path) -> None:
    version = connection.pragma("user_version")
    if version == 0:
        with connection:
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        raise DamagedStateError(f"{path}: written by version {version} of this program, which knows {SCHEMA_VERSION}")


def _locked(path: Path) -> int:
    """A descriptor that holds the lock until it is closed, by us or by our death."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UnavailableError(f"{path}: another process has this bank's books") from None
    return descriptor


def _token_key(path: Path) -> bytes:
    """The key of the tokens, made at first start; on disk before anything is written under it."""
    if not path.exists():
        draft = path.with_suffix(".key.new")  # renamed when it is whole, so a crash leaves no half of a key
        descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(TOKEN_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync_folder(path.parent)
    return _whole_key(path)


def _whole_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != TOKEN_KEY_BYTES:
        raise DamagedStateError(f"{path}: not a whole key; without it no card in the books can be found")
    return key


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
