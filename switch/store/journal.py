"""The journal: append-only batches of records, on disk before anybody is told.

One row is one batch is one commit: however many transactions a batch carries, the disk is asked once.
Records come in packed (msgpack) and are joined, sealed and committed without being looked at; what they
mean is the switch's. Tables that people ask questions of are made from here (projection.py).

Whatever is read back is what was written, or the reading stops with the sequence number: every batch is
sealed to its place and to the batch before (seal.py), and the end is held against the high-water mark
(mark.py). A commit that failed is never tried again: after a failed sync the system marks the pages clean,
so a second try would succeed and the data be gone. The process must end.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import apsw
import msgpack
import trio

from protocols.runtime.exits import DamagedStateError, FatalError, UnavailableError
from switch.store import state
from switch.store.log_tail import Tail, torn_tail
from switch.store.mark import FILE as MARK
from switch.store.mark import Mark
from switch.store.pen import BUSY_TIMEOUT_MS, Pen
from switch.store.seal import GENESIS, BrokenSealError, Place, Seal

FILE: Final = "journal.db"
LOG: Final = f"{FILE}-wal"
LOCK: Final = "journal.lock"
FORMAT: Final = 1  # PRAGMA user_version; another format is another program's

# 16 MB of log between copies into the main file: each copy holds up one commit for some 10 ms, so let it be rare.
CHECKPOINT_PAGES: Final = 4000
WRITES: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW
LOG_LOOKED_AT_MOST: Final = 64 * 1024 * 1024  # a longer one was held open by a reader: not looked at
READ_AHEAD: Final = 16  # batches a query brings: one hop to the thread for several, and no whole journal in memory

SCHEMA: Final = """
CREATE TABLE batches (
    seq    INTEGER PRIMARY KEY,
    first  INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    chain  BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT
"""
INSERT: Final = "INSERT INTO batches (seq, first, count, chain, sealed) VALUES (?, ?, ?, ?, ?)"
COLUMNS: Final = "SELECT seq, first, count, chain, sealed FROM batches"
FROM: Final = f"{COLUMNS} WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT {READ_AHEAD}"
LAST: Final = "SELECT seq FROM batches ORDER BY seq DESC LIMIT 1"

# Not damage: the surroundings. Everything else SQLite complains about when reading is.
SURROUNDINGS: Final = (apsw.BusyError, apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError, apsw.NoMemError)

Row = tuple[int, int, int, bytes, bytes]
ROW_TYPES: Final = (int, int, int, bytes, bytes)


class DamagedJournalError(DamagedStateError):
    """What is in the journal is not what was written: `seq` is the batch at which that shows."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"the journal is damaged at batch {seq}: {what}")
        self.seq = seq
        self.what = what


class JournalFailedError(FatalError):
    """A commit failed. Nothing of its batch may be told to anybody, and the process must end."""


async def open_journal(
    folder: str | os.PathLike[str],
    *,
    force: bool = False,
    random: Callable[[int], bytes] = os.urandom,
    vfs: str | None = None,
) -> Journal:
    """The journal of this state folder, for its one writer; made when there is none.

    `force` opens a journal that is behind its mark (a restored backup), the loss being accepted.
    `random` makes the nonces, `vfs` names the file layer: both only for the simulator to replace.
    Raises StateInUseError when another writer has it, DamagedJournalError, ConfigurationError.
    """
    place = state.prepared(Path(folder))
    lock = state.Lock(place / LOCK)
    try:
        tail = torn_tail_in(place)  # SQLite drops it without a word when it opens the log
        if state.touched(place / FILE) or not (place / FILE).stat().st_size:
            _begin(place)  # also when a start was cut short; never in place of what was written
        journal = await Journal._opened(place, lock, force, random, vfs)
    except BaseException:
        lock.release()
        raise
    journal.dropped = tail
    return journal


def torn_tail_in(folder: Path) -> Tail | None:
    """What of the log belongs to no whole commit; whoever asks has the lock."""
    try:
        log = (folder / LOG).read_bytes() if (folder / LOG).stat().st_size <= LOG_LOOKED_AT_MOST else b""
    except FileNotFoundError:
        return None
    return torn_tail(log)


def _begin(folder: Path) -> None:
    """Key and mark come before the first page of the journal: a journal without them is damaged, never new."""
    if not (folder / MARK).exists():
        state.make_data_key(folder)
        Mark.make(folder, state.data_key(folder))


async def open_reader(folder: str | os.PathLike[str], *, held: bool = True) -> Reader:
    """The journal to read only, from this or another process, whether or not a writer runs.

    `held=False`: not held against its mark, by whoever wants to know what of it is whole.
    """
    place = Path(folder)
    if not (place / FILE).exists():
        raise UnavailableError(f"there is no journal in {place}")
    return await Reader._opened(place, held)


class _Batches:
    """Reading, verified; what writer and readers share."""

    def __init__(self, db: apsw.AsyncConnection, seal: Seal, mark: Mark, folder: Path) -> None:
        self._db = db
        self._seal = seal
        self._mark = mark
        self._folder = folder

    async def replay(self, after: int = 0) -> AsyncIterator[tuple[int, list[Any]]]:
        """(sequence number, records) of every batch after that one, in order, each one verified.

        Raises DamagedJournalError at the first batch that is not as it was written.
        """
        last = await self.last()
        if after > last:
            raise DamagedJournalError(last + 1, f"it ends here, but batch {after} has been read before")
        expected = await self._expected_after(after)
        while expected[0] <= last:
            for row in await self._rows(expected[0], last):
                place, batch = self._verified(row, expected)
                expected = place.following(row[3])
                yield place.seq, _records(place, batch)

    async def verify(self, after: int, until: int) -> None:
        """Hold the batches after `after`, to `until`, against their seals. DamagedJournalError at the first that fails.

        Nothing is made of what is in them, so it costs a tenth of reading them.
        """
        expected = await self._expected_after(after)
        while expected[0] <= until:
            for row in await self._rows(expected[0], until):
                expected = self._verified(row, expected)[0].following(row[3])

    async def chain_of(self, seq: int) -> bytes | None:
        """The chain value of a batch; None where the journal does not come so far."""
        return (await self._expected_after(seq))[2] if 0 < seq <= await self.last() else None

    async def last(self) -> int:
        """The sequence number of the last batch, 0 when there is none."""
        with _damage(1):
            rows = await self._db.async_run(_all, self._db, LAST, ())
        return rows[0][0] if rows else 0

    async def _rows(self, first: int, last: int) -> list[Row]:
        with _damage(first):
            rows: list[Row] = await self._db.async_run(_all, self._db, FROM, (first, last))
        if not rows:
            raise DamagedJournalError(first, "it is missing")
        for number, row in enumerate(rows, start=first):
            if tuple(map(type, row)) != ROW_TYPES:  # a flipped bit may make a number of a text, in spite of the schema
                raise DamagedJournalError(number, "its row is not one")
        return rows

    async def _expected_after(self, seq: int) -> tuple[int, int, bytes]:
        """What the batch after `seq` must be: (sequence number, first record, previous chain value)."""
        if seq == 0:
            return 1, 1, GENESIS
        row = (await self._rows(seq, seq))[0]
        return row[0] + 1, row[1] + row[2], row[3]

    def _verified(self, row: Row, expected: tuple[int, int, bytes]) -> tuple[Place, bytes]:
        seq, first, count, chain, sealed = row
        if seq != expected[0]:
            raise DamagedJournalError(expected[0], f"batch {seq} stands in its place")
        if first != expected[1]:
            raise DamagedJournalError(seq, "its first record does not follow the last one before")
        place = Place(seq, first, count, expected[2])
        try:
            return place, self._seal.open(place, chain, sealed)
        except BrokenSealError:
            raise DamagedJournalError(seq, "its seal is broken") from None

    async def _end(self) -> tuple[int, int, bytes]:
        """What the next batch must be, the last one being verified."""
        last = await self.last()
        if last == 0:
            return await self._expected_after(0)
        row = (await self._rows(last, last))[0]
        place, _ = self._verified(row, await self._expected_after(last - 1))
        return place.following(row[3])

    async def _hold_against(self, marked: tuple[int, bytes]) -> None:
        """The journal must have come at least as far as its mark, and by the same way."""
        seq, chain = marked
        last = await self.last()
        if last < seq:
            raise DamagedJournalError(last + 1, f"it ends here, but its mark says that batch {seq} was written")
        if seq and (await self._expected_after(seq))[2] != chain:
            raise DamagedJournalError(seq, "it is another batch than the mark says")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self._mark.close()
        with trio.CancelScope(shield=True):
            await self._db.aclose(force=True)


class Reader(_Batches):
    """The journal, read only. Sees what was committed when it asked."""

    @classmethod
    async def _opened(cls, folder: Path, held: bool) -> Reader:
        key = state.data_key(folder)
        mark = Mark(folder, key, writable=False)
        marked = mark.read()  # before the journal is looked at: the writer moves the journal first
        db = await _connected(folder, apsw.SQLITE_OPEN_READONLY)
        reader = cls(db, Seal(key), mark, folder)
        try:
            with _damage(1):
                await _check_format(db)
            if held:
                await reader._hold_against(marked)
        except BaseException:
            await reader.aclose()
            raise
        return reader


class Journal(_Batches):
    """The journal with its pen. One task appends, one batch at a time.

    Use it as a context manager: its thread ends with it, and a process does not end before its threads.
    """

    dropped: Tail | None = None  # of the log, when it was opened: a commit that nobody was told of
    _lock: state.Lock
    _pen: Pen
    _next: tuple[int, int, bytes]  # what the next batch will be: sequence number, first record, previous chain value

    def __init__(self, db: apsw.AsyncConnection, seal: Seal, mark: Mark, folder: Path) -> None:
        super().__init__(db, seal, mark, folder)
        self._failed: str | None = None
        self._is_writing = False
        self._array_header = msgpack.Packer().pack_array_header

    @classmethod
    async def _opened(
        cls, folder: Path, lock: state.Lock, force: bool, random: Callable[[int], bytes], vfs: str | None
    ) -> Journal:
        key = state.data_key(folder)
        mark = Mark(folder, key, writable=True)
        db = await _connected(folder, apsw.SQLITE_OPEN_READWRITE, vfs)
        journal = cls(db, Seal(key, random), mark, folder)
        try:
            await journal._prepare(force)
            with _damage(journal.next_seq):
                journal._pen = Pen(folder / FILE, INSERT, flags=WRITES, checkpoint_pages=CHECKPOINT_PAGES, vfs=vfs)
        except BaseException:
            await journal.aclose()
            raise
        journal._lock = lock
        return journal

    async def _prepare(self, force: bool) -> None:
        with _damage(1):
            await self._db.async_run(_prepare, self._db)
            await _check_format(self._db)
        self._next = await self._end()
        if force:
            self._mark.write(self._next[0] - 1, self._next[2])
        await self._hold_against(self._mark.read())

    @property
    def next_seq(self) -> int:
        """The sequence number of the batch to come."""
        return self._next[0]

    @property
    def next_record(self) -> int:
        """The number of the record to come, counted from 1 over the whole journal."""
        return self._next[1]

    async def append(self, records: Sequence[bytes]) -> int:
        """Commit these packed records as one batch; its sequence number when it is on disk.

        Each record is one msgpack value. Not cancellable: a commit is whole or the process ends.
        Raises JournalFailedError, then and ever after.
        """
        if self._is_writing:
            raise trio.BusyResourceError("one batch at a time")
        if self._failed is not None:
            raise JournalFailedError(self._failed)
        seq, first, previous = self._next
        place = Place(seq, first, len(records), previous)
        chain, sealed = self._seal.seal(place, self._array_header(len(records)) + b"".join(records))
        await self._commit(place, chain, sealed)
        self._next = place.following(chain)
        return seq

    async def _commit(self, place: Place, chain: bytes, sealed: bytes) -> None:
        self._is_writing = True
        self._failed = f"the commit of batch {place.seq} was broken off"  # until it is known to be whole
        try:
            with trio.CancelScope(shield=True):
                await self._pen.write((place.seq, place.first, place.records, chain, sealed))
            self._mark.write(place.seq, chain)
        except Exception as error:
            self._failed = f"batch {place.seq} could not be committed: {error}"
            raise JournalFailedError(self._failed) from error
        finally:
            self._is_writing = False
        self._failed = None

    def free_bytes(self) -> int:
        """Room left on the journal's disk: whoever takes new work keeps a reserve for reversals."""
        return state.free_bytes(self._folder)

    async def aclose(self) -> None:
        if hasattr(self, "_pen"):
            with trio.CancelScope(shield=True):
                await self._pen.aclose()
        await super().aclose()
        if hasattr(self, "_lock"):
            self._lock.release()


async def _connected(folder: Path, flags: int, vfs: str | None = None) -> apsw.AsyncConnection:
    with _damage(1):
        db = await apsw.Connection.as_async(str(folder / FILE), flags=flags | apsw.SQLITE_OPEN_NOFOLLOW, vfs=vfs)
    await db.async_run(db.set_busy_timeout, BUSY_TIMEOUT_MS)
    return db


def _prepare(db: Any) -> None:
    """Runs in the connection's thread."""
    mode = db.pragma("journal_mode", "wal")
    if mode != "wal":
        raise UnavailableError(f"this disk cannot keep a write-ahead log (journal mode {mode})")
    db.pragma("synchronous", "full")  # in WAL mode NORMAL commits before the disk has it
    db.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
    if not _all(db, "SELECT 1 FROM sqlite_schema", ()):
        with db:
            db.execute(SCHEMA)
            db.pragma("user_version", FORMAT)


async def _check_format(db: apsw.AsyncConnection) -> None:
    found = await db.pragma("user_version")
    if found != FORMAT:
        raise DamagedJournalError(1, f"format {found}, and this program knows format {FORMAT}")


def _all(db: Any, sql: str, values: tuple[object, ...]) -> list[Any]:
    """Runs in the connection's thread, where nothing waits: one hop for a whole answer."""
    return list(db.execute(sql, values))


@contextmanager
def _damage(seq: int) -> Iterator[None]:
    """What SQLite says about a file it cannot read becomes damage at that batch, unless it is the surroundings."""
    try:
        yield
    except SURROUNDINGS as error:
        raise UnavailableError(f"cannot open the journal: {error}") from None
    except apsw.Error as error:
        raise DamagedJournalError(seq, f"{type(error).__name__}: {error}") from None
    except UnicodeDecodeError:  # its arguments hold the bytes
        raise DamagedJournalError(seq, "a text in it is not one") from None


def _records(place: Place, batch: bytes) -> list[Any]:
    """The seal held, so this is what was packed; maps keep whatever keys they were given."""
    records: list[Any] = msgpack.unpackb(batch, strict_map_key=False)
    if len(records) != place.records:
        raise DamagedJournalError(place.seq, f"it holds {len(records)} records, not {place.records}")
    return records
