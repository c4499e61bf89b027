"""Looking after the journal: is it whole, a copy of it while it is written, a copy back in its place, its torn tail.

Everything is read through the same verification as by the switch itself. Nothing that was told to anybody is ever
cut off unless the caller accepts the loss in so many words; what is put aside is renamed, never deleted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import apsw
import trio

from protocols.runtime.exits import ConfigurationError, DamagedStateError, UnavailableError
from switch.store import state
from switch.store.journal import FILE, LOCK, LOG, DamagedJournalError, open_reader, torn_tail_in
from switch.store.log_tail import Tail
from switch.store.mark import FILE as MARK
from switch.store.mark import Mark
from switch.store.seal import GENESIS

INDEX: Final = f"{FILE}-shm"
BUSY_TIMEOUT_MS: Final = 5000


class Health(NamedTuple):
    """How far a journal is whole, and what its mark says."""

    batches: int  # that read as they were written
    records: int
    marked: int  # the last batch that somebody may have been told of
    chain: bytes  # the chain value of the last whole batch
    damage: DamagedJournalError | None  # at the first batch that is not whole
    tail: Tail | None  # of the log: a commit that was never finished

    @property
    def is_behind(self) -> bool:
        """Whether batches are missing that the mark says were written."""
        return self.batches < self.marked


async def examined(folder: Path) -> Health:
    """Every batch read and verified. UnavailableError where there is no journal."""
    if not (folder / FILE).exists():
        raise UnavailableError(f"there is no journal in {folder}")
    marked = _marked(folder)[0]  # before the journal: a writer moves the journal first
    with _at_rest(folder) as is_at_rest:  # SQLite drops the tail when it opens the log, so look before
        tail = await trio.to_thread.run_sync(torn_tail_in, folder) if is_at_rest else None
    batches, records, chain, damage = await _whole(folder)
    if damage is None and batches < marked:
        damage = DamagedJournalError(batches + 1, f"it ends here, but its mark says that batch {marked} was written")
    return Health(batches, records, marked, chain, damage, tail)


async def _whole(folder: Path) -> tuple[int, int, bytes, DamagedJournalError | None]:
    """What can be read from the beginning: (batches, records, chain value of the last, what ended it)."""
    batches = records = 0
    damage: DamagedJournalError | None = None
    chain = GENESIS
    try:
        async with await open_reader(folder, held=False) as reader:
            try:
                async for seq, batch in reader.replay():
                    batches, records = seq, records + len(batch)
            except DamagedJournalError as error:
                damage = error
            chain = (await reader._expected_after(batches))[2]
    except DamagedJournalError as error:
        damage = damage or error
    return batches, records, chain, damage


def _marked(folder: Path) -> tuple[int, bytes]:
    mark = Mark(folder, state.data_key(folder), writable=False)
    try:
        return mark.read()
    finally:
        mark.close()


@contextmanager
def _at_rest(folder: Path) -> Iterator[bool]:
    """Whether nobody writes; nobody begins to while this lasts."""
    try:
        lock = state.Lock(folder / LOCK)
    except state.StateInUseError:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


class Repair(NamedTuple):
    """What a repair did."""

    kept: int  # batches
    dropped: int  # batches that were there and are cut off
    lost: int  # of those that the mark counts, dropped or missing: somebody may have been told
    tail: Tail | None  # of the log


async def repair_tail(folder: Path, *, accept_loss: bool = False) -> Repair:
    """Cut off what stands behind the last whole batch, if nobody was told of it; else DamagedJournalError, untouched.

    With `accept_loss` also what somebody was told of, and the mark is set back: so an older backup is opened.
    """
    lock = state.Lock(folder / LOCK)
    try:
        marked, tail = _marked(folder)[0], await trio.to_thread.run_sync(torn_tail_in, folder)
        kept, _, chain, damage = await _whole(folder)
        lost = max(0, marked - kept)
        if lost and not accept_loss:
            raise damage or DamagedJournalError(kept + 1, f"it ends here, but batch {marked} was written")
        last = await trio.to_thread.run_sync(
            _last, folder
        )  # by a connection that may write: from here on it is repaired
        if last is None and damage is not None:
            raise damage  # not a tail: SQLite itself cannot read it
        dropped = max(0, (last or 0) - kept)
        if dropped:
            await trio.to_thread.run_sync(_cut, folder, kept)
        if lost:
            mark = Mark(folder, state.data_key(folder), writable=True)
            mark.write(kept, chain)
            mark.close()
        return Repair(kept, dropped, lost, tail)
    finally:
        lock.release()


def _last(folder: Path) -> int | None:
    """The last row there is, whatever it holds; None where that cannot be read."""
    with _connected(folder / FILE, apsw.SQLITE_OPEN_READWRITE) as db:
        try:
            return int(next(iter(db.execute("SELECT coalesce(max(seq), 0) FROM batches")))[0])
        except (apsw.Error, TypeError, ValueError):
            return None


def _cut(folder: Path, kept: int) -> None:
    """The rows go; first a copy of the file as it was is put aside."""
    with _connected(folder / FILE, apsw.SQLITE_OPEN_READWRITE) as db:
        db.pragma("wal_checkpoint(TRUNCATE)")
        shutil.copyfile(folder / FILE, _aside(folder))
        db.execute("PRAGMA synchronous = FULL")
        db.execute("DELETE FROM batches WHERE seq > ?", (kept,))


def _aside(folder: Path) -> Path:
    """A name for a journal that is put aside: journal.aside-1.db, and so on; closed to others."""
    number = 1
    while (folder / f"journal.aside-{number}.db").exists():
        number += 1
    path = folder / f"journal.aside-{number}.db"
    state.touched(path)
    return path


@contextmanager
def _connected(path: Path, flags: int) -> Iterator[apsw.Connection]:
    try:
        db = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOFOLLOW)
    except apsw.Error as error:
        raise UnavailableError(f"cannot open {path.name}: {type(error).__name__}") from None
    try:
        db.set_busy_timeout(BUSY_TIMEOUT_MS)
        yield db
    finally:
        db.close(True)


async def back_up(folder: Path, target: Path, *, with_key: bool = True) -> Health:
    """A verified copy of the journal in a new folder, while the switch runs or not; what is in it.

    The copy is one moment of the journal, with a mark that says which. Without the key it can only be restored to
    where the key is. ConfigurationError where the folder is there already, DamagedStateError where the copy is damaged.
    """
    _refuse_to_overwrite(folder, target)
    key = state.data_key(folder)
    state.prepared(target)
    await trio.to_thread.run_sync(_copy, folder / FILE, target / FILE)
    state.make(target / state.DATA_KEY, key)
    Mark.make(target, key)
    health = await examined(target)
    if health.damage is not None:
        raise health.damage
    mark = Mark(target, key, writable=True)
    mark.write(health.batches, health.chain)
    mark.close()
    if not with_key:
        (target / state.DATA_KEY).unlink()
    for name in (LOCK, LOG, INDEX):
        (target / name).unlink(missing_ok=True)
    state.sync_folder(target)
    return health._replace(marked=health.batches)


def _refuse_to_overwrite(folder: Path, target: Path) -> None:
    if not (folder / FILE).exists():
        raise UnavailableError(f"there is no journal in {folder}")
    if target.exists():
        raise ConfigurationError(f"{target} is there already: a backup never overwrites")


def _copy(source: Path, target: Path) -> None:
    """SQLite's own backup: one reading transaction, so that a writer may go on meanwhile."""
    state.touched(target)
    with _connected(source, apsw.SQLITE_OPEN_READONLY) as ours, _connected(target, apsw.SQLITE_OPEN_READWRITE) as copy:
        with copy.backup("main", ours, "main") as backup:
            while not backup.done:
                backup.step(1000)
        copy.pragma("journal_mode", "delete")  # one file, nothing beside it
    _sync(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def restore(backup: Path, folder: Path) -> Health:
    """Put a backup in the journal's place, the journal that is there being put aside; how it stands against the mark.

    The mark stays where there is one: a backup from before it does not open until somebody accepts the loss.
    """
    state.prepared(folder)
    lock = state.Lock(folder / LOCK)
    try:
        key = _key_for(backup, folder)
        if not (folder / state.DATA_KEY).exists():
            state.make(folder / state.DATA_KEY, key)
        if not (folder / MARK).exists():
            state.make(folder / MARK, (backup / MARK).read_bytes())
        await trio.to_thread.run_sync(_replace, backup / FILE, folder)
    finally:
        lock.release()
    return await examined(folder)


def _key_for(backup: Path, folder: Path) -> bytes:
    """The key that both go by."""
    if not (backup / FILE).exists():
        raise UnavailableError(f"there is no backup of a journal in {backup}")
    keys = [state.data_key(one) for one in (backup, folder) if (one / state.DATA_KEY).exists()]
    if not keys:
        raise DamagedStateError(f"neither {backup} nor {folder} has the key that the backup is sealed with")
    if len(set(keys)) > 1:
        raise ConfigurationError(f"{backup} is sealed with another key than the journal in {folder}")
    return keys[0]


def _replace(source: Path, folder: Path) -> None:
    unfinished = folder / f"{FILE}.new"
    unfinished.unlink(missing_ok=True)
    state.touched(unfinished)
    shutil.copyfile(source, unfinished)
    _sync(unfinished)
    if (folder / FILE).exists():
        aside = _aside(folder)
        (folder / FILE).replace(aside)
        for name in (LOG, INDEX):  # a log belongs to its file: beside another it would be taken for that one's
            if (folder / name).exists():
                (folder / name).replace(folder / name.replace(FILE, aside.name))
    unfinished.replace(folder / FILE)
    state.sync_folder(folder)
