"""The power fails, the process dies, the disk lies or is full: what was told is there, or the journal says it is not.

A sample of the sweep; all of it: `python -m tests.switch.store.crash_sweep SEEDS`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import msgpack
import pytest

from switch.store import journal as journal_file
from switch.store.journal import JournalFailedError, open_journal, open_reader
from tests.crash_file import ALL_GONE, ALL_STAY, WAYS, Diary, Step, left_over, places_to_die
from tests.switch.store.crash_sweep import dies_at, prepared

BATCHES = 14


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """In memory where there is such a place: the diary knows what was synced, the machine's disk need not be asked."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def steps(folder: Path) -> list[Step]:
    return prepared(folder, "a sample", BATCHES)


def test_the_script_passes_the_places_where_it_matters(steps: list[Step]) -> None:
    """Commits, copies into the main file, logs begun anew."""
    into_the_main_file = [step for step in steps if step.file == "journal.db" and step.what == "write"]
    begun_anew = [step for step in steps if step.file == "journal.db-wal" and step.what == "write" and not step.offset]
    assert len(into_the_main_file) > 10 and len(begun_anew) > 1
    assert sum(step.what == "told" for step in steps) == BATCHES


def test_what_was_told_is_read_wherever_it_dies(folder: Path, steps: list[Step]) -> None:
    """P1 at the disk: each place in one of the ways, so that every way has its turn at every kind of step."""
    for number, place in enumerate(list(places_to_die(steps))[2:]):
        lost = WAYS[number % len(WAYS)]
        end, fault = dies_at(folder / "live", folder, steps[:place], lost, number)
        assert fault is None, f"after step {place} ({steps[place - 1].what}), {lost.name}: {fault}"
        assert end == "whole"


def test_a_disk_that_lies_about_syncs_is_found_out(folder: Path, steps: list[Step]) -> None:
    """What was told is gone; the mark says so, and the journal does not open."""
    ends = set()
    for place in list(places_to_die(steps))[20::9]:
        end, fault = dies_at(folder / "live", folder, steps[:place], ALL_GONE, 1, lies=True)
        assert fault is None, fault
        ends.add(end)
    assert "refused" in ends


def test_the_sweep_finds_a_journal_that_does_not_sync(folder: Path, steps: list[Step]) -> None:
    """Who tests the tester: the same run as of a writer that tells before it has synced its log."""
    careless = [step for step in steps if (step.what, step.file) != ("sync", "journal.db-wal")]
    places = list(places_to_die(careless))[2::5]
    faults = [dies_at(folder / "live", folder, careless[:place], ALL_GONE, 1)[1] for place in places]
    assert sum(fault is not None for fault in faults) > len(places) / 3


def test_what_is_left_over_is_what_the_disk_does() -> None:
    steps = [Step("write", "a", 0, b"x" * 1024), Step("sync", "a"), Step("write", "a", 0, b"y" * 1024)]
    assert left_over(steps, ALL_GONE, 1) == {"a": b"x" * 1024}
    assert left_over(steps, ALL_STAY, 1) == {"a": b"y" * 1024}
    assert left_over(steps, WAYS[3], 1) == {"a": b"y" * 512 + b"x" * 512}
    assert left_over([*steps, Step("delete", "a")], ALL_STAY, 1) == {}


@pytest.mark.parametrize("sync", range(1, 30, 4))
async def test_a_failed_sync_is_never_acknowledged(folder: Path, sync: int) -> None:
    """P11: it fails once and would work the second time; nothing is told from then on, whatever is asked."""
    place, diary, told = folder / f"failing-{sync}", Diary(f"failing at {sync}"), 0
    with patch.object(journal_file, "CHECKPOINT_PAGES", 8):
        async with await open_journal(place, vfs=f"failing at {sync}") as journal:
            diary._syncs, diary.fails_at = 0, sync
            with pytest.raises(JournalFailedError):
                for number in range(100):
                    await journal.append([msgpack.packb(number), msgpack.packb(bytes(900))])
                    told = number + 1
            for _ in range(3):
                with pytest.raises(JournalFailedError):
                    await journal.append([msgpack.packb(0)])
    async with await open_reader(place) as reader:
        numbers = [records[0] async for _, records in reader.replay()]
    assert numbers == list(range(len(numbers))) and len(numbers) >= told


async def test_a_full_disk_ends_the_writer_and_harms_nothing(folder: Path) -> None:
    """P12, past the reserve: a short write and then the error; what was told is there, and there it goes on."""
    place, diary = folder / "full", Diary("full")
    async with await open_journal(place, vfs="full") as journal:
        for number in range(5):
            await journal.append([msgpack.packb(number)])
        diary.is_full = True
        with pytest.raises(JournalFailedError):
            await journal.append([msgpack.packb(5)])
        diary.is_full = False  # too late: the process ends, and the next one begins
        with pytest.raises(JournalFailedError):
            await journal.append([msgpack.packb(5)])
    async with await open_journal(place) as journal:
        assert [records[0] async for _, records in journal.replay()][:5] == list(range(5))
        await journal.append([msgpack.packb(6)])


def test_a_failing_place_is_replayed_by_its_seed(steps: list[Step]) -> None:
    some = steps[: len(steps) // 2 + 3]
    assert left_over(some, WAYS[2], 5) == left_over(some, WAYS[2], 5)
    assert len({str(left_over(some, WAYS[2], seed)) for seed in range(5)}) > 1
