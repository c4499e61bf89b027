"""A start from a snapshot knows what a start from the whole journal knows; whatever is wrong with one, the journal is
read. Files and readings are real; the conversations behind the records are the property machine's."""

from __future__ import annotations

import os
import shutil
import stat
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest
import structlog
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.runtime.exits import DamagedStateError, UnavailableError
from switch import snapshot as content
from switch.home import BOOKS, is_one_of
from switch.memory import Memory
from switch.records import Kind, NewKey, Parked, Record, pack
from switch.recovery import Recovery
from switch.shell import snapshots
from switch.shell.snapshots import in_a_process, recovered, take
from switch.store import snapshot, state
from switch.store.journal import DamagedJournalError, open_journal
from tests.switch.desk import INTERNET_CARD, PURCHASE, Desk

BOUND = 6  # transactions that are remembered: fewer than there are, so that some are let go
PAN = "4111111111111111"


def busy(seed: int, moves: int) -> list[Record]:
    """The records of a conversation in which nearly everything happens that a journal can tell."""
    chance, desk = Random(seed), Desk(seed=seed)
    bank, shop = desk.issuer(), desk.gateway()
    asked: list[dict[str, str | None]] = []
    for number in range(1, moves + 1):
        move = chance.choice(["buys", "buys", "silent", "declined", "back", "part", "early", "stood in", "settles"])
        named = {"stan": f"{number:06d}", "rrn": f"{number:012d}", "transmitted_at": f"11181106{number % 60:02d}"}
        if move in ("buys", "silent", "declined"):
            asked.append(desk.asks(shop, **named))
            while not desk.silent(bank):
                heard = desk.hears(bank)
                if move != "silent":
                    desk.answers(bank, heard, "00" if move == "buys" else "51")
        elif move == "stood in":
            desk.asks(shop, pan=INTERNET_CARD, currency="414", **named)
        elif move in ("back", "part", "early"):
            one = chance.choice(asked) if asked and move != "early" else {**PURCHASE, **named}
            rest = {"replacement_amounts": f"{1 + number:012d}" + "0" * 30} if move == "part" else {}
            desk.reverses(shop, one, stan=f"{500 + number:06d}", **rest)
        else:
            desk.passes(9)
            while not desk.silent(bank):
                desk.answers(bank, desk.hears(bank), approval_code=None)
        desk.heard.pop(shop, None)
    return desk.records()


RECORDS = [busy(seed, 40) for seed in range(2)]


def told(recovery: Recovery) -> list[Any]:
    """Everything that is known, as plain values: what can be compared."""
    return list(content.parts(recovery))


def after(records: list[Record], recovery: Recovery | None = None) -> Recovery:
    recovery = recovery or Recovery(Memory(BOUND))
    for record in records:
        recovery.take(record)
    return recovery


def through_msgpack(parts: Iterator[Any]) -> Iterator[Any]:
    return (snapshot.msgpack.unpackb(snapshot.msgpack.packb(part), strict_map_key=False) for part in parts)


@settings(max_examples=60)
@given(st.sampled_from(RECORDS), st.data())
def test_a_snapshot_and_the_records_after_it_are_all_records(records: list[Record], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(records)))
    begun = content.restored(through_msgpack(content.parts(after(records[:at]))), BOUND)
    assert told(after(records[at:], begun)) == told(after(records))


def test_the_conversations_leave_something_in_every_field() -> None:
    rare = [NewKey(Kind.NEW_KEY, 1, 0.0, "nbk", "zpk", "U" + "0" * 32, "ABC123"), Parked(Kind.PARKED, 9**9, 0.0, True)]
    beginnings = [records[:at] for records in RECORDS for at in range(0, len(records), 9)]
    filled = {part[0] for records in beginnings for part in told(after([*rare, *records]))}
    empty = {content.FIELDS[number].name for number in range(len(content.FIELDS)) if number not in filled}
    assert empty <= {"_order", "_forgotten_minutes", "_taken", "_increases"}


@pytest.mark.parametrize("owner", [Memory, Recovery])
def test_every_field_is_in_the_table(owner: type) -> None:
    named = {field.name for field in content.FIELDS if field.of is owner}
    assert named == set(getattr(owner, "__slots__")) - {"bound", "memory"}  # noqa: B009 (mypy)


def test_rare_fields_come_back_too() -> None:
    recovery = after(RECORDS[0])
    recovery.memory._forgotten_minutes = {"lab/1/11181106", "lab/1/11181107"}
    recovery.memory._increases = {"lab/1/x": ["lab/1/y", "lab/1/z"]}
    recovery.memory._taken = {"lab/1/x": content.Taken("lab/1/y", 1, 2, False)}
    recovery.used["nbk"] = array("I", [0, 1118110640])
    again = content.restored(through_msgpack(content.parts(recovery)), BOUND)
    assert told(again) == told(recovery)
    assert isinstance(again.memory._taken["lab/1/x"], content.Taken)
    assert again.used["nbk"] == recovery.used["nbk"]


# On disk


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of twenty batches with a snapshot at the twelfth."""
    folder = tmp_path_factory.mktemp("kept") / "switch"
    records = RECORDS[0]
    size = len(records) // 20 + 1

    async def write(batches: range) -> None:
        async with await open_journal(folder) as journal:
            for at in batches:
                await journal.append(
                    [pack(record) for record in records[at * size : (at + 1) * size]] or [pack(records[0])]
                )

    trio.run(write, range(12))
    assert trio.run(take, folder, 0, BOUND) == 12
    trio.run(write, range(12, 20))
    return folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "switch")
    return tmp_path / "switch"


def started(folder: Path) -> tuple[list[Any], int, list[str]]:
    """What a start knows, from which snapshot, and what it said of the ones it did not believe."""

    async def start() -> tuple[Recovery, int]:
        async with await open_journal(folder) as journal:
            return await recovered(journal, folder, BOUND)

    with structlog.testing.capture_logs() as lines:
        recovery, at = trio.run(start)
    return told(recovery), at, [line["reason"] for line in lines if line["event"] == "snapshot.ignored"]


@pytest.fixture(scope="module")
def everything(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What a full reading knows."""
    folder = tmp_path_factory.mktemp("full") / "switch"
    shutil.copytree(kept, folder)
    (folder / snapshot.FILE).unlink()
    found, at, said = started(folder)
    assert (at, said) == (0, [])
    return found


def test_a_start_from_a_snapshot_is_a_start_from_the_whole_journal(folder: Path, everything: list[Any]) -> None:
    assert started(folder) == (everything, 12, [])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_another(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(100))


def one_part_less(path: Path) -> None:
    """Cut where a part ends: only the end of the whole can say that something is missing."""
    whole, at, ends = path.read_bytes(), snapshot.HEAD.size, []
    while at < len(whole):
        at += snapshot.LENGTH.size + snapshot.LENGTH.unpack_from(whole, at)[0]
        ends.append(at)
    path.write_bytes(whole[: ends[-2]])


HARMS: list[Callable[[Path], None]] = [cut, longer, emptied, of_another, one_part_less]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_a_damaged_snapshot_is_ignored_and_said(
    folder: Path, everything: list[Any], harm: Callable[[Path], None]
) -> None:
    harm(folder / snapshot.FILE)
    found, at, said = started(folder)
    assert (found, at, len(said)) == (everything, 0, 1)


def test_whichever_bit_is_flipped_the_snapshot_is_ignored(folder: Path, everything: list[Any]) -> None:
    whole, chance = (folder / snapshot.FILE).read_bytes(), Random(14)
    for _ in range(40):
        at = chance.randrange(len(whole))
        (folder / snapshot.FILE).write_bytes(
            whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :]
        )
        assert started(folder)[:2] == (everything, 0)


def test_where_the_newest_is_damaged_the_one_before_is_read(folder: Path, everything: list[Any]) -> None:
    assert trio.run(take, folder, 0, BOUND) == 20
    assert started(folder)[:2] == (everything, 20)
    cut(folder / snapshot.FILE)
    found, at, said = started(folder)
    assert (found, at, said) == (everything, 12, ["it is cut"])


def test_a_snapshot_of_another_journal_is_not_believed(folder: Path, tmp_path: Path) -> None:
    """Also under the same key: a backup was put in place, and the journal went another way."""
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (other / snapshot.FILE).unlink()

    async def shorten_and_go_on() -> None:
        for name in ("journal.db", "journal.db-wal", "journal.mark"):
            (other / name).unlink(missing_ok=True)
        async with await open_journal(other) as journal:
            for number in range(15):
                await journal.append([pack(RECORDS[1][number])])

    trio.run(shorten_and_go_on)
    plain = started(other)
    shutil.copy(folder / snapshot.FILE, other / snapshot.FILE)
    assert started(other) == (plain[0], 0, ["the journal is another"])


def test_a_snapshot_of_more_than_the_journal_has_is_not_believed(folder: Path, tmp_path: Path) -> None:
    young = tmp_path / "young"

    async def begin() -> None:
        young.mkdir(mode=0o700)
        shutil.copy(folder / "data.key", young / "data.key")
        async with await open_journal(young) as journal:
            await journal.append([pack(RECORDS[0][0])])

    trio.run(begin)
    shutil.copy(folder / snapshot.FILE, young / snapshot.FILE)
    assert started(young)[1:] == (0, ["the journal is another"])


def test_a_snapshot_of_other_fields_is_ignored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "FORMAT", content.FORMAT + 1)
    assert started(folder)[1:] == (0, ["another version of payswitch wrote it"])


def test_damage_before_the_snapshot_still_keeps_the_switch_from_starting(folder: Path) -> None:
    edited(folder, 5)
    with pytest.raises(DamagedJournalError, match="batch 5:"):
        started(folder)


def test_damage_older_than_what_a_start_verifies_is_found_by_the_process_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "VERIFIED_AT_START", 4)
    edited(folder, 5)
    assert started(folder)[1] == 12
    with pytest.raises(DamagedJournalError, match="batch 5: its seal is broken"):
        trio.run(in_a_process, "verify", folder, 8)


def edited(folder: Path, seq: int) -> None:
    db = apsw.Connection(str(folder / "journal.db"))
    try:
        db.execute("UPDATE batches SET sealed = zeroblob(100) WHERE seq = ?", (seq,))
    finally:
        db.close()


def test_a_process_of_its_own_takes_one_while_the_journal_is_written(folder: Path) -> None:
    async def both() -> tuple[int, int]:
        async with await open_journal(folder) as journal:
            last = await journal.append([pack(RECORDS[0][-1])])
            return last, await in_a_process("take", folder, 0)

    assert trio.run(both) == (21, 0)
    with snapshot.reading(folder, snapshot.FILE, content.shape(snapshots.REMEMBERED_MAX)) as found:
        assert found.seq == 21


def test_without_room_none_is_written_and_the_one_before_stays(folder: Path) -> None:
    before = (folder / snapshot.FILE).read_bytes()
    with pytest.raises(UnavailableError, match="too little room"):
        trio.run(take, folder, 2**62, BOUND)
    assert (folder / snapshot.FILE).read_bytes() == before
    assert not (folder / snapshot.UNFINISHED).exists()


def test_it_holds_no_card_number_in_clear_and_is_closed_to_others(folder: Path) -> None:
    whole = (folder / snapshot.FILE).read_bytes()
    for number in (PAN, INTERNET_CARD):
        assert number.encode() not in whole
        assert bytes.fromhex(number) not in whole
    assert stat.S_IMODE(os.stat(folder / snapshot.FILE).st_mode) == state.FILE_MODE


def test_the_home_knows_its_files() -> None:
    for name in (snapshot.FILE, snapshot.OLDER, snapshot.UNFINISHED, snapshot.LOCK):
        assert is_one_of(Path("switch") / name, BOOKS)


def test_without_the_key_it_is_of_no_use(folder: Path) -> None:
    (folder / state.DATA_KEY).write_bytes(bytes(32))
    with (
        pytest.raises(snapshot.UselessSnapshotError, match="damaged"),
        snapshot.reading(folder, snapshot.FILE, content.shape(BOUND)),
    ):
        pass
    (folder / state.DATA_KEY).unlink()
    with pytest.raises(DamagedStateError):
        started(folder)
