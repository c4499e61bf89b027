"""The journal gives back what was written, or says where it cannot. Real files, real reopening."""

import os
import random
import shutil
import signal
import stat
import subprocess
import sys

import apsw
import msgpack
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.runtime.exits import ConfigurationError, DamagedStateError, UnavailableError
from switch.store.journal import DamagedJournalError, JournalFailedError, open_journal, open_reader
from switch.store.state import StateInUseError

PAN = "9414101234560018"


def record(number):
    """A record such as the switch writes: a card number in it, and bytes."""
    return [2, number, PAN, b"0100" + bytes([number % 251]) * 40, None, 1.5]


def packed(*numbers):
    return [msgpack.packb(record(number)) for number in numbers]


async def write(folder, batches, per_batch=2):
    async with await open_journal(folder) as journal:
        for at in range(batches):
            await journal.append(packed(*range(at * per_batch, (at + 1) * per_batch)))


async def read(folder, after=0, opening=open_journal):
    async with await opening(folder) as journal:
        return [batch async for batch in journal.replay(after)]


def written(batches, per_batch=2, after=0):
    return [
        (at + 1, [record(number) for number in range(at * per_batch, (at + 1) * per_batch)])
        for at in range(after, batches)
    ]


async def test_what_was_appended_is_replayed(tmp_path):
    await write(tmp_path, 40)
    assert await read(tmp_path) == written(40)


async def test_an_empty_journal_replays_nothing(tmp_path):
    assert await read(tmp_path) == []
    assert await read(tmp_path) == []


async def test_numbers_go_on_after_reopening(tmp_path):
    await write(tmp_path, 3)
    async with await open_journal(tmp_path) as journal:
        assert (journal.next_seq, journal.next_record) == (4, 7)
        assert await journal.append(packed(6, 7)) == 4
    assert await read(tmp_path) == written(4)


async def test_a_reader_follows_the_writer(tmp_path):
    async with await open_journal(tmp_path) as journal:
        await journal.append(packed(0, 1))
        async with await open_reader(tmp_path) as reader:
            assert [batch async for batch in reader.replay()] == written(1)
            await journal.append(packed(2, 3))
            await journal.append(packed(4, 5))
            assert [batch async for batch in reader.replay(after=1)] == written(3, after=1)
            assert await reader.last() == 3


async def test_a_reader_needs_no_writer(tmp_path):
    await write(tmp_path, 3)
    assert await read(tmp_path, opening=open_reader) == written(3)


async def test_without_a_journal_a_reader_says_so(tmp_path):
    with pytest.raises(UnavailableError, match="no journal"):
        await open_reader(tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.binary(max_size=300) | st.text() | st.integers(0, 2**63), min_size=1), max_size=5))
def test_whatever_is_packed_comes_back(tmp_path_factory, batches):
    async def there_and_back(folder):
        async with await open_journal(folder) as journal:
            for batch in batches:
                await journal.append([msgpack.packb(value) for value in batch])
        return await read(folder)

    assert trio.run(there_and_back, tmp_path_factory.mktemp("journal")) == list(enumerate(batches, start=1))


# One writer, and nobody else


async def test_a_second_writer_is_refused(tmp_path):
    async with await open_journal(tmp_path):
        with pytest.raises(StateInUseError, match="in use"):
            await open_journal(tmp_path)
    await write(tmp_path, 1)


async def test_two_batches_at_once_are_our_mistake(tmp_path):
    async with await open_journal(tmp_path) as journal:
        with pytest.RaisesGroup(trio.BusyResourceError):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(journal.append, packed(0, 1))
                nursery.start_soon(journal.append, packed(0, 1))
    assert await read(tmp_path) == written(1)


async def test_a_commit_is_not_cancelled_half_way(tmp_path):
    async with await open_journal(tmp_path) as journal:
        with trio.CancelScope() as scope:
            scope.cancel()
            assert await journal.append(packed(0, 1)) == 1
    assert await read(tmp_path) == written(1)


async def test_folder_and_files_are_closed_to_others(tmp_path):
    folder = tmp_path / "state"
    old = os.umask(0)
    try:
        async with await open_journal(folder) as journal:
            await journal.append(packed(0))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {"journal.db", "journal.db-wal", "journal.db-shm", "data.key", "journal.mark"} <= set(modes)
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("name", ["journal.db", "data.key", "journal.mark", "journal.lock"])
async def test_a_symbolic_link_is_refused(tmp_path, name):
    folder, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    await write(folder, 1)
    (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match=name):
        await open_journal(folder)


async def test_a_key_that_others_may_read_is_refused(tmp_path):
    await write(tmp_path, 1)
    (tmp_path / "data.key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="0600"):
        await open_journal(tmp_path)


async def test_no_card_number_is_readable_at_rest(tmp_path):
    async with await open_journal(tmp_path) as journal:
        for number in range(20):
            await journal.append(packed(number))
        for path in tmp_path.iterdir():
            content = path.read_bytes()
            assert PAN.encode() not in content and bytes.fromhex(PAN) not in content


# Damage


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The files of 50 batches as a killed writer leaves them: some in the main file, some in the log."""
    folder, copy = tmp_path_factory.mktemp("live"), tmp_path_factory.mktemp("killed")

    async def write_and_copy():
        await write(folder, 30)
        async with await open_journal(folder) as journal:
            for at in range(30, 50):
                await journal.append(packed(at * 2, at * 2 + 1))
            for name in ("journal.db", "journal.db-wal", "journal.mark", "data.key"):
                shutil.copy(folder / name, copy / name)

    trio.run(write_and_copy)
    return copy


def copied(killed, folder, name=None, content=b""):
    shutil.copytree(killed, folder, dirs_exist_ok=True)
    if name:
        (folder / name).write_bytes(content)
    return folder


async def assert_exact_or_damaged(folder):
    """Never silent: every record, or an error that names a batch. Returns whether it was an error."""
    try:
        assert await read(folder) == written(50)
    except DamagedStateError as error:
        assert error.exit_code == 78
        return True
    return False


async def test_what_a_killed_writer_leaves_is_whole(killed, tmp_path):
    assert not await assert_exact_or_damaged(copied(killed, tmp_path / "state"))
    shutil.rmtree(tmp_path / "state")
    assert await read(copied(killed, tmp_path / "state"), opening=open_reader) == written(50)


FLIPS = 120  # of some 300 000 bits; all of them take an hour


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal"])
async def test_a_flipped_bit_is_found_or_harmless(killed, tmp_path, name):
    whole = (killed / name).read_bytes()
    drawn = random.Random(8583)
    damaged = 0
    for number in range(FLIPS):
        at, bit = drawn.randrange(len(whole)), drawn.randrange(8)
        flipped = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
        damaged += await assert_exact_or_damaged(copied(killed, tmp_path / str(number), name, flipped))
    assert damaged > FLIPS / 10  # the test does reach the records


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal"])
async def test_a_file_cut_anywhere_is_found(killed, tmp_path, name):
    whole = (killed / name).read_bytes()
    drawn = random.Random(8583)
    damaged = 0
    for number, length in enumerate([0, 1, len(whole) - 1, *(drawn.randrange(len(whole)) for _ in range(40))]):
        damaged += await assert_exact_or_damaged(copied(killed, tmp_path / str(number), name, whole[:length]))
    assert damaged > 30  # a cut may fall where the log holds all that matters


@pytest.mark.parametrize("name", ["journal.mark", "data.key"])
async def test_a_flipped_bit_in_mark_or_key_is_found(killed, tmp_path, name):
    whole = (killed / name).read_bytes()
    for number, at in enumerate(range(0, len(whole), 5)):
        flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert await assert_exact_or_damaged(copied(killed, tmp_path / str(number), name, flipped))


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal", "journal.mark", "data.key"])
async def test_a_file_that_is_gone_is_found(killed, tmp_path, name):
    folder = copied(killed, tmp_path / "state")
    (folder / name).unlink()
    assert await assert_exact_or_damaged(folder)


def edit(folder, *statements):
    db = apsw.Connection(str(folder / "journal.db"))
    for statement in statements:
        db.execute(statement)
    db.close()


DOUBLE_THE_LAST = "INSERT INTO batches SELECT 51, first, count, chain, sealed FROM batches WHERE seq = 50"
OVERWRITE = "UPDATE batches SET sealed = (SELECT sealed FROM batches WHERE seq = 6) WHERE seq = 7"

WITHOUT_STRICT = (
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '')",
    "PRAGMA writable_schema = RESET",
)

EDITS = {
    "deleted in the middle": (["DELETE FROM batches WHERE seq = 7"], 7),
    "deleted at the start": (["DELETE FROM batches WHERE seq = 1"], 1),
    "deleted at the end": (["DELETE FROM batches WHERE seq = 50"], 50),
    "all deleted": (["DELETE FROM batches"], 1),
    "doubled at the end": ([DOUBLE_THE_LAST], 51),
    "doubled over another": ([OVERWRITE], 7),
    "swapped": (
        ["UPDATE batches SET seq = -seq WHERE seq IN (7, 8)", "UPDATE batches SET seq = 15 + seq WHERE seq < 0"],
        7,
    ),
    "first record moved": (["UPDATE batches SET first = first + 1 WHERE seq = 9"], 9),
    "count changed": (["UPDATE batches SET count = count + 1 WHERE seq = 9"], 9),
    "chain changed": (["UPDATE batches SET chain = zeroblob(16) WHERE seq = 9"], 9),
    "a number for bytes": ([*WITHOUT_STRICT, "UPDATE batches SET chain = 5 WHERE seq = 9"], 9),
    "a broken text for bytes": ([*WITHOUT_STRICT, "UPDATE batches SET chain = CAST(x'96' AS TEXT) WHERE seq = 1"], 1),
    "sealed emptied": (["UPDATE batches SET sealed = x'' WHERE seq = 9"], 9),
}


@pytest.mark.parametrize("how", EDITS)
async def test_a_journal_edited_offline_names_the_batch(killed, tmp_path, how):
    statements, seq = EDITS[how]
    folder = copied(killed, tmp_path / "state")
    edit(folder, *statements)
    with pytest.raises(DamagedJournalError, match=f"batch {seq}:") as caught:
        await read(folder)
    assert caught.value.seq == seq and caught.value.exit_code == 78


async def test_another_journal_under_the_same_key_is_found(tmp_path):
    """Two histories from one beginning: a batch of the one does not pass in the other."""
    one, other = tmp_path / "one", tmp_path / "other"
    await write(one, 3)
    shutil.copytree(one, other)
    for folder, number in ((one, 90), (other, 95)):
        async with await open_journal(folder) as journal:
            await journal.append(packed(number))
            await journal.append(packed(number + 1))
    edit(one, f"ATTACH '{other}/journal.db' AS other", "REPLACE INTO batches SELECT * FROM other.batches WHERE seq = 4")
    with pytest.raises(DamagedJournalError, match="batch 5:"):
        await read(one)


async def test_an_old_backup_does_not_open_unless_forced(tmp_path):
    folder, backup = tmp_path / "state", tmp_path / "backup.db"
    await write(folder, 3)
    shutil.copy(folder / "journal.db", backup)
    await write_more(folder, 2)
    shutil.copy(backup, folder / "journal.db")
    with pytest.raises(DamagedJournalError, match="batch 5 was written"):
        await open_journal(folder)
    async with await open_journal(folder, force=True) as journal:
        assert journal.next_seq == 4
    assert await read(folder) == written(3)


async def write_more(folder, batches):
    async with await open_journal(folder) as journal:
        for number in range(batches):
            await journal.append(packed(900 + number))


async def test_a_mark_behind_the_journal_is_what_a_power_cut_leaves(tmp_path):
    await write(tmp_path, 3)
    mark = (tmp_path / "journal.mark").read_bytes()
    await write_more(tmp_path, 2)
    (tmp_path / "journal.mark").write_bytes(mark)
    assert len(await read(tmp_path)) == 5


async def test_a_journal_of_another_format_is_refused(tmp_path):
    await write(tmp_path, 1)
    edit(tmp_path, "PRAGMA user_version = 9")
    with pytest.raises(DamagedJournalError, match="format 9"):
        await open_journal(tmp_path)


async def test_a_start_cut_short_is_begun_again(tmp_path):
    (tmp_path / "data.key.new").write_bytes(b"half")
    (tmp_path / "data.key.new").chmod(0o600)
    (tmp_path / "journal.db").touch(mode=0o600)
    await write(tmp_path, 1)
    assert await read(tmp_path) == written(1)


# The disk fails


class FailingDisk(apsw.VFS):
    """A file layer whose k-th sync fails once and then "works" again."""

    def __init__(self, name):
        super().__init__(name, "")
        self.syncs_left = 10**9

    def xOpen(self, name, flags):  # noqa: N802  SQLite's name
        return FailingFile(self, name, flags)


class FailingFile(apsw.VFSFile):
    def __init__(self, disk, name, flags):
        self._disk = disk
        super().__init__("", name, flags)

    def xSync(self, flags):  # noqa: N802  SQLite's name
        self._disk.syncs_left -= 1
        if self._disk.syncs_left == 0:
            raise apsw.IOError("the disk says EIO")
        super().xSync(flags)


@pytest.mark.parametrize("syncs", range(1, 8))
async def test_a_failed_sync_is_never_acknowledged_and_never_tried_again(tmp_path, syncs):
    disk = FailingDisk(f"failing-{syncs}")
    acknowledged = 0
    async with await open_journal(tmp_path, vfs=f"failing-{syncs}") as journal:
        disk.syncs_left = syncs
        with pytest.raises(JournalFailedError) as caught:
            while True:
                await journal.append(packed(acknowledged * 2, acknowledged * 2 + 1))
                acknowledged += 1
        assert caught.value.exit_code == 1
        with pytest.raises(JournalFailedError):  # the disk would say yes now
            await journal.append(packed(0))
    assert acknowledged == syncs - 1
    assert (await read(tmp_path))[:acknowledged] == written(acknowledged)


async def test_the_room_left_on_the_disk_is_known(tmp_path):
    async with await open_journal(tmp_path) as journal:
        assert journal.free_bytes() > 0


# The process dies

APPENDS = """
import sys, msgpack, trio
from switch.store.journal import open_journal

async def main():
    async with await open_journal(sys.argv[1]) as journal:
        while True:
            number = journal.next_record - 1
            await journal.append([msgpack.packb(n) for n in (number, number + 1)])
            print(number + 1, flush=True)

trio.run(main)
"""


def test_nothing_acknowledged_is_missing_after_kill_9(tmp_path):
    acknowledged = -1
    for lines in (1, 40, 7, 111):
        with subprocess.Popen([sys.executable, "-c", APPENDS, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(lines):
                acknowledged = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            if rest := writer.stdout.read().splitlines():
                acknowledged = int(rest[-1])
        opening = open_reader if lines == 7 else open_journal
        numbers = [number for _, records in trio.run(read, tmp_path, 0, opening) for number in records]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > acknowledged
