"""Looking after a journal: whole or not, copied while it is written, put back, its torn tail cut off. Real files."""

import json
import shutil
import stat

import apsw
import msgpack
import pytest

from protocols.runtime.exits import ConfigurationError, DamagedStateError, UnavailableError
from switch.cli import main
from switch.records import Answered, Debt, Kind, NewKey, Owed, Parked, Sent, Settled, Started, pack
from switch.store.journal import DamagedJournalError, open_journal
from switch.store.log_tail import torn_tail
from switch.store.upkeep import back_up, examined, repair_tail, restore
from tests.switch.desk import DIALECT, PURCHASE, SANDBOX_CARD, elements

FILES = ("journal.db", "journal.db-wal", "journal.mark", "data.key")


async def write(folder, batches, first=0):
    async with await open_journal(folder) as journal:
        for number in range(first, first + batches):
            await journal.append([msgpack.packb([2, number])])


async def killed(folder, copy, batches):
    """The files as a killed writer leaves them: everything in the log."""
    copy.mkdir(mode=0o700)
    async with await open_journal(folder) as journal:
        for number in range(batches):
            await journal.append([msgpack.packb([2, number])])
        for name in FILES:
            shutil.copy(folder / name, copy / name)
    return copy


def edit(folder, *statements):
    db = apsw.Connection(str(folder / "journal.db"))
    for statement in statements:
        db.execute(statement)
    db.close()


# Whole or not


async def test_a_whole_journal_is_counted(tmp_path):
    await write(tmp_path, 5)
    health = await examined(tmp_path)
    assert (health.batches, health.records, health.marked, health.damage, health.tail) == (5, 5, 5, None, None)


async def test_the_first_damaged_batch_is_named_and_what_is_before_it_counted(tmp_path):
    await write(tmp_path, 40)
    edit(tmp_path, "UPDATE batches SET count = 2 WHERE seq = 23", "DELETE FROM batches WHERE seq = 40")
    health = await examined(tmp_path)
    assert health.batches == 22 and health.damage.seq == 23


async def test_missing_history_is_damage(tmp_path):
    await write(tmp_path, 5)
    edit(tmp_path, "DELETE FROM batches WHERE seq > 3")
    health = await examined(tmp_path)
    assert health.is_behind and health.damage.seq == 4


async def test_a_journal_is_examined_while_it_is_written(tmp_path):
    async with await open_journal(tmp_path) as journal:
        await journal.append([msgpack.packb([2, 0])])
        assert (await examined(tmp_path)).batches == 1
        await journal.append([msgpack.packb([2, 1])])
    assert (await examined(tmp_path)).batches == 2


async def test_without_a_journal_there_is_nothing_to_examine(tmp_path):
    with pytest.raises(UnavailableError, match="no journal"):
        await examined(tmp_path)


# The torn tail of a log


async def test_a_log_cut_at_any_place_tells_where_its_last_whole_commit_ends(tmp_path):
    log = ((await killed(tmp_path / "live", tmp_path / "killed", 4)) / "journal.db-wal").read_bytes()
    assert torn_tail(log) is None
    ends, commits = [], -1
    for length in range(0, len(log) + 1, 211):
        tail = torn_tail(log[:length])
        if tail is not None and length >= 32:
            assert tail.offset + tail.length == length
            if tail.commits > commits:
                commits = tail.commits
                ends.append(tail.offset)
    assert len(ends) == commits + 1 and ends == sorted(ends)


async def test_a_torn_tail_is_told_of_and_dropped_when_nobody_was_told(tmp_path):
    copy = await killed(tmp_path / "live", tmp_path / "killed", 4)
    log = copy / "journal.db-wal"
    log.write_bytes(log.read_bytes()[:-100])
    with pytest.raises(DamagedJournalError, match="batch 4"):  # the mark says that it was written whole
        await repair_tail(copy)
    set_mark_back(copy, 3, tmp_path / "live")
    health = await examined(copy)
    assert (health.batches, health.tail.commits, health.damage) == (3, 4, None)  # the first commit is the table
    repair = await repair_tail(copy)
    assert (repair.kept, repair.dropped, repair.lost) == (3, 0, 0) and repair.tail == health.tail
    await write(copy, 1, 9)
    assert (await examined(copy)).batches == 4


def set_mark_back(folder, seq, chained_in=None):
    """The mark as it was after that batch: where the power fails before a commit, it says no more."""
    from switch.store.mark import Mark
    from switch.store.state import data_key

    db = apsw.Connection(str((chained_in or folder) / "journal.db"))
    chain = next(db.execute("SELECT chain FROM batches WHERE seq = ?", (seq,)))[0]
    db.close(True)
    mark = Mark(folder, data_key(folder), writable=True)
    mark.write(seq, chain)
    mark.close()


async def test_a_broken_last_batch_that_nobody_was_told_of_is_cut_off(tmp_path):
    await write(tmp_path, 6)
    set_mark_back(tmp_path, 5)
    edit(tmp_path, "UPDATE batches SET sealed = zeroblob(9) WHERE seq = 6")
    repair = await repair_tail(tmp_path)
    assert (repair.kept, repair.dropped, repair.lost) == (5, 1, 0)
    assert (tmp_path / "journal.aside-1.db").exists()
    await write(tmp_path, 1, 5)
    assert (await examined(tmp_path)).batches == 6


async def test_damage_in_the_middle_is_not_repaired(tmp_path):
    await write(tmp_path, 6)
    before = (tmp_path / "journal.db").read_bytes()
    edit(tmp_path, "UPDATE batches SET sealed = zeroblob(9) WHERE seq = 3")
    with pytest.raises(DamagedJournalError, match="batch 3"):
        await repair_tail(tmp_path)
    assert len((tmp_path / "journal.db").read_bytes()) == len(before)
    repair = await repair_tail(tmp_path, accept_loss=True)
    assert (repair.kept, repair.dropped, repair.lost) == (2, 4, 4)
    await write(tmp_path, 1)


async def test_nothing_is_repaired_under_a_running_switch(tmp_path):
    async with await open_journal(tmp_path) as journal:
        await journal.append([msgpack.packb([2, 0])])
        with pytest.raises(ConfigurationError, match="in use"):
            await repair_tail(tmp_path)


# Copies


async def test_a_backup_is_made_while_the_journal_is_written_and_put_back_elsewhere(tmp_path):
    live, copy, elsewhere = tmp_path / "live", tmp_path / "copy", tmp_path / "elsewhere"
    async with await open_journal(live) as journal:
        for number in range(30):
            await journal.append([msgpack.packb([2, number])])
        health = await back_up(live, copy)
        await journal.append([msgpack.packb([2, 30])])
    assert (health.batches, health.marked) == (30, 30)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in copy.iterdir()} == dict.fromkeys(
        ("journal.db", "journal.mark", "data.key"), 0o600
    )
    assert (await restore(copy, elsewhere)).damage is None
    await write(elsewhere, 1, 30)
    assert (await examined(elsewhere)).batches == 31


async def test_a_backup_behind_the_mark_opens_only_when_the_loss_is_accepted(tmp_path):
    live, copy = tmp_path / "live", tmp_path / "copy"
    await write(live, 3)
    await back_up(live, copy)
    await write(live, 2, 3)
    health = await restore(copy, live)
    assert health.is_behind and health.damage.seq == 4
    with pytest.raises(DamagedJournalError, match="batch 5 was written"):
        await open_journal(live)
    with pytest.raises(DamagedJournalError):
        await repair_tail(live)
    assert (await repair_tail(live, accept_loss=True)).lost == 2
    async with await open_journal(live) as journal:
        assert journal.next_seq == 4
    assert (live / "journal.aside-1.db").exists()  # what was there is not gone


async def test_a_backup_without_its_key_goes_back_only_where_the_key_is(tmp_path):
    live, copy = tmp_path / "live", tmp_path / "copy"
    await write(live, 3)
    await back_up(live, copy, with_key=False)
    assert not (copy / "data.key").exists()
    with pytest.raises(DamagedStateError, match="key"):
        await restore(copy, tmp_path / "elsewhere")
    assert (await restore(copy, live)).damage is None


async def test_a_backup_of_another_journal_is_refused(tmp_path):
    for name in ("one", "other"):
        await write(tmp_path / name, 2)
    await back_up(tmp_path / "one", tmp_path / "copy")
    with pytest.raises(ConfigurationError, match="another key"):
        await restore(tmp_path / "copy", tmp_path / "other")


async def test_a_backup_never_overwrites_and_a_damaged_journal_is_not_backed_up(tmp_path):
    await write(tmp_path / "live", 3)
    (tmp_path / "copy").mkdir()
    with pytest.raises(ConfigurationError, match="overwrites"):
        await back_up(tmp_path / "live", tmp_path / "copy")
    edit(tmp_path / "live", "DELETE FROM batches WHERE seq = 2")
    with pytest.raises(DamagedJournalError, match="batch 2"):
        await back_up(tmp_path / "live", tmp_path / "another")


# The command


FRAME = DIALECT.encode("0100", elements(PURCHASE))
OWED = Debt(8, 7, "sandbox", "0420", "000002", {2: SANDBOX_CARD, 4: "000000010000", 11: "000002"})
KEY = "lab/1/1118110640000001LAB00001"
RECORDS = (
    Started(Kind.STARTED, 6, 1.5, "1"),
    Sent(Kind.SENT, 7, 2.5, KEY, "lab", "0100", "sandbox", "000001", FRAME, "iso87_ascii"),
    Answered(
        *(Kind.ANSWERED, 7, 3.5, KEY, "lab", "0100", "sandbox", "000001", None, "iso87_ascii", "91"),
        *("issuer.timeout", None, None, {}, False, None, None, None, None, [OWED]),
    ),
    Owed(Kind.OWED, 7, 4.5, KEY, "reversal.restart", [OWED]),
    Settled(Kind.SETTLED, 8, 5.5, 7, "00"),
    NewKey(Kind.NEW_KEY, 8, 6.5, "nbk", "zpk", "U" + "0" * 32, "ABCDEF"),
    Parked(Kind.PARKED, 8, 7.5, True),
)


@pytest.fixture
async def state(tmp_path):
    async with await open_journal(tmp_path / "switch") as journal:
        await journal.append([pack(record) for record in RECORDS[:2]])
        await journal.append([pack(record) for record in RECORDS[2:]])
    return tmp_path


def exported(state, capsys, *options):
    assert main(["journal", "export", "--state", str(state), *options]) == 0
    told = capsys.readouterr().out
    assert SANDBOX_CARD not in told and "2912" not in told and "U000" not in told
    return [json.loads(line) for line in told.splitlines()]


async def test_the_export_has_a_line_a_record_and_no_secret(state, capsys):
    import trio

    lines = await trio.to_thread.run_sync(exported, state, capsys)
    assert [line["kind"] for line in lines] == ["started", "sent", "answered", "owed", "settled", "new_key", "parked"]
    assert [(line["record"], line["batch"]) for line in lines] == [
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 2),
        (5, 2),
        (6, 2),
        (7, 2),
    ]
    _, sent, answered, *_ = lines
    assert sent["mti"] == "0100" and sent["elements"]["4"] == "000000010000" and "2" not in sent["elements"]
    assert sent["card"].startswith("tok-") and sent["card"] == answered["debts"][0]["card"]
    assert answered["reason"] == "issuer.timeout" and "elements" not in answered


async def test_a_load_test_can_replay_the_requests(state, capsys):
    import trio

    lines = await trio.to_thread.run_sync(exported, state, capsys, "--requests")
    assert [(line["mti"], line["at"], line["elements"]["3"]) for line in lines] == [("0100", 2.5, "000000")]


async def test_verify_backup_restore_from_the_command_line(state, capsys):
    import trio

    def run(*words):
        return main(["journal", *words, "--state", str(state)])

    def conversation():
        assert run("verify") == 0
        assert "2 batches, 7 records are as they were written; the mark says 2" in capsys.readouterr().out
        assert run("backup", str(state / "copy")) == 0
        assert run("restore", str(state / "copy")) == 0
        assert run("repair-tail") == 0
        edit(state / "switch", "DELETE FROM batches WHERE seq = 2")
        capsys.readouterr()
        assert run("verify") == 78
        assert "damaged at batch 2" in capsys.readouterr().err
        assert run("export") == 78
        assert run("repair-tail") == 78
        assert run("repair-tail", "--accept-loss") == 0
        assert run("verify") == 0

    await trio.to_thread.run_sync(conversation)


async def test_a_writer_says_what_it_dropped(tmp_path):
    copy = await killed(tmp_path / "live", tmp_path / "killed", 4)
    log = copy / "journal.db-wal"
    log.write_bytes(log.read_bytes()[:-100])
    set_mark_back(copy, 3, tmp_path / "live")
    async with await open_journal(copy) as journal:
        assert journal.next_seq == 4 and journal.dropped.commits == 4 and journal.dropped.length > 0
    async with await open_journal(copy) as journal:
        assert journal.dropped is None
