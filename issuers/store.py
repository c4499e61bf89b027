"""The bank's memory on disk, and the key under which card numbers become tokens.

`fetch` gives the snapshot that a batch of requests needs; `record` writes what was decided on it, in
one transaction, before anybody is answered. A commit that fails ends the process: trying again may
"succeed" and lose the data.

Cards, virtual numbers and accounts are read once and kept, for this store is their only writer; a lock
sees to that. Bookings and answers are read as they are needed, so memory does not grow with the bank's past.
No card number is in the books, and no PIN.

The snapshot's rules are `book`'s, what is decided is `decide`'s, which database it is in is `database`'s.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from issuers.accounts import Account, Hold, HoldState, sums_by_currency
from issuers.ask import Ask, Tokens
from issuers.bank import Bank
from issuers.book import Authentication, Book, Booking, Calendar, Card, Effect, Event, Given, Virtual
from issuers.database import Database, Sqlite, by_keys
from issuers.tables import (
    ACCOUNTS,
    AUTHENTICATIONS,
    BOOKINGS,
    CALENDAR,
    CARDS,
    GIVEN,
    HOLDS,
    INSERT_ENTRY,
    INSERT_EVENT,
    VIRTUALS,
    Changed,
    Table,
)
from protocols.runtime.exits import ConfigurationError, DamagedStateError, FatalError, UnavailableError

DATABASE_VARIABLE: Final = "PAYSWITCH_ISSUERS_DATABASE"  # a URL of PostgreSQL, for all banks started with it
TOKEN_KEY_BYTES: Final = 32
# An authorization and its completions are one transaction to the network.
BOOKED: Final = (
    "SELECT \"key\", state, agreed, currency FROM bookings WHERE original = '' OR way = 'hold' ORDER BY \"key\""
)
SWEPT_AT_ONCE: Final = 500  # holds that end in one commit: the host must answer in between


class StoreFailedError(FatalError):
    """The disk did not take what was decided. Nobody has been answered; nobody may be."""


class Store:
    """One bank's books, open for writing. Only one process can have them."""

    def __init__(self, path: Path, database: str | None = None, bank: str = "") -> None:
        """Open or begin them: in the file, or in PostgreSQL at the URL `database`, and then `path` names the key only.

        Raises UnavailableError (somebody has them, or no server), DamagedStateError (they are not ours).
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._lock = _locked(path.with_suffix(".lock"))
        try:
            self._database = _opened(path, database, bank)
            self.tokens = Tokens(_token_key(path.with_suffix(".key")))
            self.accounts: dict[str, Account] = {one.id: one for one in self._all(ACCOUNTS)}
            self.cards: dict[str, Card] = {one.token: one for one in self._all(CARDS)}
            self.virtuals: dict[str, Virtual] = {one.token: one for one in self._all(VIRTUALS)}
            self.calendar: Calendar = next(iter(self._all(CALENDAR)), Calendar())
        except BaseException:
            self._unlock()
            raise

    def _all(self, table: Table[Any]) -> list[Any]:
        return [table.value(row) for row in self._database.rows(table.select)]

    def close(self) -> None:
        """Idempotent."""
        self._database.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # Looking

    def fetch(self, asks: Iterable[Ask]) -> Book:
        """All that these requests may look at. A DE 90 without institutions is completed on the way."""
        asks = list(asks)
        try:
            return self._fetch(asks)
        except self._database.errors as error:
            raise StoreFailedError(f"{self.path.stem}: cannot be read: {type(error).__name__}") from None

    def _fetch(self, asks: list[Ask]) -> Book:
        for ask in asks:
            self._complete(ask)
        originals = {ask.original_key for ask in asks if ask.original_key}
        found = self._bookings("key", originals | {ask.booking_key for ask in asks})
        if originals:
            parents = {one.original for one in found.values() if one.original} - found.keys()
            found |= self._bookings("key", parents)
            found |= self._bookings("original", originals | parents)
        holds = by_keys(self._database, HOLDS, HOLDS.key, found) if originals else []
        given = by_keys(self._database, GIVEN, GIVEN.key, {ask.key for ask in asks})
        proved = {ask.authentication for ask in asks if ask.authentication}
        return self.book(found.values(), holds, given, self.authentications(proved))

    def book(
        self,
        bookings: Iterable[Booking] = (),
        holds: Iterable[Hold] = (),
        given: Iterable[Given] = (),
        authentications: Iterable[Authentication] = (),
    ) -> Book:
        """A snapshot of accounts, cards and numbers, and of what else is given."""
        return Book(self.cards, self.accounts, bookings, holds, given, self.virtuals, self.calendar, authentications)

    def authentications(self, keys: Iterable[str]) -> list[Authentication]:
        """Those of these that the bank knows."""
        return by_keys(self._database, AUTHENTICATIONS, AUTHENTICATIONS.key, keys)

    def has_paid_authenticated(self, card: str, merchant: str) -> bool:
        """Whether a payment at this shop (card acceptor id) was approved before, the holder being authenticated."""
        query = "SELECT 1 FROM authentications WHERE card = ? AND merchant = ? AND used_by <> '' LIMIT 1"
        return bool(self._database.rows(query, (card, merchant)))

    def _complete(self, ask: Ask) -> None:
        """The original that a message means, where it says so in fewer words than DE 90 has."""
        if ask.original_prefix is not None:
            ask.original_key = self._key_beginning(ask.original_prefix) or ask.original_key
        elif ask.original_key is None and ask.mti == "0220" and ask.approval_code and ask.message.original is None:
            ask.original_key = self._key_approved(ask)

    def _bookings(self, column: str, keys: Iterable[str]) -> dict[str, Booking]:
        return {one.key: one for one in by_keys(self._database, BOOKINGS, f'bookings."{column}"', keys)}

    def _key_beginning(self, prefix: str) -> str | None:
        found = 'SELECT "key" FROM bookings WHERE "key" >= ? AND "key" < ? LIMIT 2'
        return self._only(self._database.rows(found, (prefix, prefix + "\x7f")))

    def _key_approved(self, ask: Ask) -> str | None:
        """An authorization of this card's that holds money, by its approval code and RRN or terminal."""
        found = (
            'SELECT "key" FROM bookings WHERE card = ? AND approval_code = ? AND way = ? AND original = ?'
            " AND (rrn = ? OR terminal_id = ?) LIMIT 2"
        )
        virtual = self.virtuals.get(ask.token)
        card = virtual.card if virtual else ask.token
        values = (card, ask.approval_code, "hold", "", ask.rrn, ask.terminal_id)
        return self._only(self._database.rows(found, values))

    @staticmethod
    def _only(rows: Sequence[Sequence[Any]]) -> str | None:
        return str(rows[0][0]) if len(rows) == 1 else None  # two candidates are none: nothing is guessed

    def booking(self, key: str) -> Book:
        """One transaction with its family, for whoever acts on it at the bank's counter."""
        found = self._bookings("key", (key,))
        found |= self._bookings("key", {one.original for one in found.values() if one.original})
        found |= self._bookings("original", list(found))
        return self.book(found.values(), by_keys(self._database, HOLDS, HOLDS.key, found))

    def expired(self, today: str) -> Book:
        """Authorizations whose hold's last day is past."""
        query = (
            f'{BOOKINGS.select} JOIN holds ON holds."key" = bookings."key" WHERE holds.state = ?'
            " AND bookings.expires <> '' AND bookings.expires < ? ORDER BY bookings.\"key\" LIMIT ?"
        )
        rows = self._database.rows(query, (str(HoldState.ACTIVE), today, SWEPT_AT_ONCE))
        found = {one.key: one for one in map(BOOKINGS.value, rows)}
        return self.book(found.values(), by_keys(self._database, HOLDS, HOLDS.key, found))

    def bookings_of(self, cards: Iterable[str], most: int) -> list[Booking]:
        """The newest transactions of some cards, declines among them."""
        condition, value = self._database.among("card", cards)
        rows = self._database.rows(
            f'{BOOKINGS.select} WHERE {condition} ORDER BY at DESC, "key" LIMIT ?', (value, most)
        )
        return [BOOKINGS.value(row) for row in rows]

    def entries_of(self, account: str, most: int) -> list[tuple[int, str, int, str, str]]:
        """The newest lines of an account: number, key, amount, text, when."""
        query = 'SELECT number, "key", amount, text, at FROM entries WHERE account = ? ORDER BY number DESC LIMIT ?'
        return [
            (int(n), str(key), int(m), str(text), str(at or ""))
            for n, key, m, text, at in self._database.rows(query, (account, most))
        ]

    def events_of(self, subjects: Iterable[str], most: int) -> list[Event]:
        """What happened to these, the newest first."""
        condition, value = self._database.among("subject", subjects)
        query = f"SELECT at, kind, subject, text, actor FROM events WHERE {condition} ORDER BY number DESC LIMIT ?"
        return [Event(*row) for row in self._database.rows(query, (value, most))]

    # Acting

    def record(self, book: Book, effects: Sequence[Effect], at: str = "") -> None:
        """Write what the effects have made of the snapshot, in one commit. StoreFailedError ends the process."""
        if not effects:
            return
        try:
            self._write(book, Changed(effects, at))
        except self._database.errors as error:
            raise StoreFailedError(f"{self.path.stem}: cannot be written: {type(error).__name__}") from None

    def _write(self, book: Book, changed: Changed) -> None:
        many, ledger = self._database.many, book.ledger
        with self._database.transaction():
            many(INSERT_ENTRY, changed.entries)
            accounts = changed.accounts | {ledger.holds[key].account for key in changed.holds}
            many(ACCOUNTS.upsert, [ACCOUNTS.row(ledger.accounts[account]) for account in accounts])
            many(HOLDS.upsert, [HOLDS.row(ledger.holds[key]) for key in changed.holds])
            many(CARDS.upsert, [CARDS.row(book.cards[token]) for token in changed.cards])
            many(BOOKINGS.upsert, [BOOKINGS.row(book.bookings[key]) for key in changed.bookings])
            many(GIVEN.upsert, [GIVEN.row(book.given[key]) for key in changed.given])
            many(VIRTUALS.upsert, [VIRTUALS.row(book.virtuals[token]) for token in changed.virtuals])
            many(
                AUTHENTICATIONS.upsert,
                [AUTHENTICATIONS.row(book.authentications[key]) for key in changed.authentications],
            )
            many(INSERT_EVENT, changed.events)
            if changed.calendar:
                many(CALENDAR.upsert, [CALENDAR.row(book.calendar)])
        if changed.calendar:
            self.calendar = book.calendar

    def forget_answers(self, before: str) -> int:
        """Let go of answers given before that instant whose transactions hold no money; how many.

        What was booked stays, so the same request later is refused as too old, never booked again.
        """
        settled = '"at" <> \'\' AND "at" < ? AND NOT EXISTS (SELECT 1 FROM holds WHERE "key" = booking AND state = ?)'
        values = (before, str(HoldState.ACTIVE))
        try:
            with self._database.transaction():
                ((count,),) = self._database.rows(f"SELECT COUNT(*) FROM given WHERE {settled}", values)
                self._database.rows(f"DELETE FROM given WHERE {settled}", values)
        except self._database.errors as error:
            raise StoreFailedError(f"{self.path.stem}: cannot be written: {type(error).__name__}") from None
        return int(count)

    def problems(self) -> list[str]:
        """What is wrong with the ledger, if anything: sums, balances, holds. For the audit and for tests."""
        return ledger_problems(self._database)


def ledger_problems(database: Database) -> list[str]:
    """Double entry, checked from the entries and holds up: nothing is believed that can be added."""
    accounts = {one.id: one for one in (ACCOUNTS.value(row) for row in database.rows(ACCOUNTS.select))}
    entries = [
        (str(name), int(total))
        for name, total in database.rows("SELECT account, SUM(amount) FROM entries GROUP BY account")
    ]
    active = "SELECT account, SUM(amount) FROM holds WHERE state = ? GROUP BY account"
    held = {str(name): int(total) for name, total in database.rows(active, (str(HoldState.ACTIVE),))}
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


def read_books(path: Path, database: str | None = None, bank: str = "") -> list[dict[str, object]]:
    """The bank's bookings, for the audit; while its host runs and when it does not. Nothing yet: an empty list.

    DamagedStateError where they cannot be read, or the ledger under them does not add up.
    """
    if database is None and not path.is_file():
        return []
    source: Database = Sqlite.to_read(path) if database is None else _postgres().to_read(database, bank)
    try:
        with source.reading():
            rows = source.rows(BOOKED)
            problems = ledger_problems(source)
    except source.errors as error:
        raise DamagedStateError(f"{path}: cannot be read: {type(error).__name__}") from None
    finally:
        source.close()
    if problems:
        raise DamagedStateError(f"{path}: {'; '.join(problems)}")
    return [dict(zip(("key", "state", "amount", "currency"), row, strict=True)) for row in rows]


def database_of(bank: Bank) -> str | None:
    """Where the books are, if not in a file: the bank's file says so, or the environment."""
    return os.environ.get(DATABASE_VARIABLE) or bank.database


def bank_path(state: Path, name: str) -> Path:
    """Where a bank's file lies in a state directory."""
    return state / "issuers" / f"{name}.db"


def _opened(path: Path, database: str | None, bank: str) -> Database:
    if database is None:
        return Sqlite.to_write(path)
    opened: Database = _postgres().to_write(database, bank)
    return opened


def _postgres() -> Any:
    try:
        from issuers.postgres import Postgres
    except ImportError:
        raise ConfigurationError("PostgreSQL needs psycopg: pip install 'payswitch[postgres]'") from None
    return Postgres


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
