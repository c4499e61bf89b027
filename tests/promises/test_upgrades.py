"""P23: a journal of every format that ever was opens, also when the upgrade is killed; a later one is refused.

`tests/vectors/journal-format-1` was written once, by the first program that wrote this format, and is never written
anew: what this program makes of it is held against what was in it. `MADE_OF` says what that was.
"""

from __future__ import annotations

import shutil
from contextlib import aclosing
from pathlib import Path
from typing import Any

import apsw
import msgpack
import pytest
import trio

from protocols.runtime.exits import ConfigurationError, DamagedStateError
from switch.memory import Memory
from switch.records import Kind, Record, Started, pack, read
from switch.recovery import Recovery
from switch.store.journal import open_journal, open_reader
from tests.crash_file import WAYS, Diary, Step, left_over, places_to_die, put
from tests.switch.store.test_upkeep import RECORDS

FIXTURE = Path(__file__).parents[1] / "vectors" / "journal-format-1"
FILES = ("journal.db", "journal.mark")
KEY = bytes(range(32))
MADE_OF: list[list[Record]] = [[one] for one in RECORDS]  # a batch a record


def laid(folder: Path) -> Path:
    """A copy of the fixture as the switch keeps it: git knows no modes."""
    return put(folder, {**{name: (FIXTURE / name).read_bytes() for name in FILES}, "data.key": KEY})


async def records_of(folder: Path, opening: Any = open_reader) -> list[list[Record]]:
    async with await opening(folder) as journal, aclosing(journal.replay()) as batches:
        return [[read(record) for record in batch] async for _, batch in batches]


async def upgraded(folder: Path, **how: Any) -> None:
    """What a start writes first."""
    async with await open_journal(folder, **how) as journal:
        await journal.append([pack(Started(Kind.STARTED, 9, 9.5, "2"))])


async def test_p23_a_journal_of_format_1_opens_and_says_what_it_said(tmp_path: Path) -> None:
    assert await records_of(laid(tmp_path / "switch")) == MADE_OF


async def test_p23_it_is_taken_up_and_written_on(tmp_path: Path) -> None:
    folder = laid(tmp_path / "switch")
    await upgraded(folder)
    found = await records_of(folder)
    assert found[:-1] == MADE_OF
    recovery = Recovery(Memory())
    for [record] in found:
        recovery.take(record)
    assert (recovery.last_number, recovery.last_stans, recovery.open) == (9, {"sandbox": 2}, {})
    assert len(recovery.keys) == 1


def test_p23_wherever_an_upgrade_is_killed_the_old_journal_is_there(tmp_path: Path) -> None:
    folder = laid(tmp_path / "live")
    diary = Diary("upgrade")
    for name in FILES:
        diary.wrote(folder / name)
        diary.steps.append(Step("sync", name))
    begun = len(diary.steps)
    trio.run(lambda: upgraded(folder, vfs="upgrade"))
    places = [place for place in places_to_die(diary.steps) if place >= begun]
    assert len(places) > 5
    for number, place in enumerate(places):
        lost = WAYS[number % len(WAYS)]
        left = left_over(diary.steps[:place], lost, number)
        dead = put(tmp_path / "dead", {**left, "data.key": KEY})
        assert trio.run(records_of, dead, open_journal)[: len(MADE_OF)] == MADE_OF, (place, lost.name)
        shutil.rmtree(dead)


@pytest.mark.parametrize("opening", [open_journal, open_reader])
async def test_p23_a_later_format_is_refused_and_untouched(tmp_path: Path, opening: Any) -> None:
    folder = laid(tmp_path / "switch")
    with apsw.Connection(str(folder / "journal.db")) as db:
        db.pragma("user_version", 2)
    db.close()
    before = (folder / "journal.db").read_bytes()
    with pytest.raises(DamagedStateError, match="format 2, and this program knows format 1"):
        await records_of(folder, opening)
    assert (folder / "journal.db").read_bytes() == before


async def test_p23_a_record_of_a_later_program_is_refused_in_plain_words(tmp_path: Path) -> None:
    folder = laid(tmp_path / "switch")
    async with await open_journal(folder) as journal:
        await journal.append([msgpack.packb([99, 1, 0.0])])
    with pytest.raises(ConfigurationError, match="written by another version of payswitch"):
        await records_of(folder)
