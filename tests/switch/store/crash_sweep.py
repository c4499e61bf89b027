"""Dying at every write and every sync of the journal's path, in every way a disk may leave things behind.

    python -m tests.switch.store.crash_sweep SEEDS

One run of the journal's writer over `CrashFile` is the script: commits, copies of the log into the main file, logs
begun anew. Then, for each place to die and each way to lose what was not synced: open again as the switch would.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import msgpack
import trio

from protocols.runtime.exits import DamagedStateError
from switch.store import journal as journal_file
from switch.store.journal import open_journal
from switch.store.mark import Mark
from tests.crash_file import WAYS, Diary, Lost, Step, left_over, places_to_die, put, told_by

BATCHES = 24
PAGES = 8  # of log between copies into the main file, instead of 4000: several of them in one script


async def script(folder: Path, diary: Diary, batches: int = BATCHES) -> None:
    """Write, and keep the diary of it: the journal through the file layer, the mark beside it."""
    written = Mark.write

    def write_mark(mark: Mark, seq: int, chain: bytes) -> None:
        written(mark, seq, chain)
        diary.wrote(folder / "journal.mark")

    with patch.object(Mark, "write", write_mark), patch.object(journal_file, "CHECKPOINT_PAGES", PAGES):
        async with await open_journal(folder, vfs=diary.name) as journal:
            for number in range(batches):
                await journal.append([msgpack.packb(number), b"\xc5\x03\x84" + bytes(900)])
                diary.told(number)


def scripted(folder: Path, name: str, batches: int = BATCHES) -> list[Step]:
    diary = NamedDiary(name)
    diary.wrote(folder / "journal.mark")  # made durable before the first page of the journal
    diary.steps.append(Step("sync", "journal.mark"))
    trio.run(script, folder, diary, batches)
    return diary.steps


class NamedDiary(Diary):
    """A diary that knows what it is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


async def reopened(folder: Path) -> list[int]:
    """What the next writer reads. DamagedStateError where it does not open."""
    async with await open_journal(folder) as journal:
        numbers = [records[0] async for _, records in journal.replay()]
        await journal.append([msgpack.packb(len(numbers))])  # and it can go on
    return numbers


def dies_at(
    live: Path, scratch: Path, steps: list[Step], lost: Lost, seed: int, *, lies: bool = False
) -> tuple[str, str | None]:
    """What the next start makes of it: (how it ended, what is wrong with that)."""
    told = told_by(steps)
    files = left_over(steps, lost, seed, lies=lies)
    files.setdefault("journal.db", b"")
    if lies:  # about the journal's syncs; the mark, which is never synced, happens to be there
        files["journal.mark"] = [step.data for step in steps if step.file == "journal.mark" and step.data][-1]
    folder = put(scratch / "dead", {**files, "data.key": (live / "data.key").read_bytes()})
    try:
        numbers = trio.run(reopened, folder)
    except DamagedStateError as error:
        return "refused", None if lies else f"told {told}, and it does not open: {error}"
    finally:
        shutil.rmtree(folder)
    if numbers != list(range(len(numbers))) or len(numbers) <= told:
        return "silent", f"told {told}, and {len(numbers)} are read"
    return "whole", None


def prepared(folder: Path, name: str, batches: int = BATCHES) -> list[Step]:
    """A folder with key and mark, the script run in it; its diary."""
    live = folder / "live"

    async def only_open() -> None:
        async with await open_journal(live):
            pass

    trio.run(only_open)
    (live / "journal.db").unlink()
    for leftover in ("journal.db-wal", "journal.db-shm"):
        (live / leftover).unlink(missing_ok=True)
    return scripted(live, name, batches)


def main(seeds: int) -> int:
    ends: Counter[str] = Counter()
    wrong = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        steps = prepared(Path(folder), "sweep")
        places = list(places_to_die(steps))[2:]
        for seed in range(seeds):
            for place in places:
                for lost in WAYS:
                    end, fault = dies_at(Path(folder) / "live", Path(folder), steps[:place], lost, seed)
                    ends[end] += 1
                    if fault is not None:
                        wrong += 1
                        print(f"seed {seed}, after step {place} ({steps[place - 1].what}), {lost.name}: {fault}")
    took = time.monotonic() - begun
    print(f"{len(places)} places to die, {len(WAYS)} ways, {seeds} seeds in {took:.0f} s: {dict(ends)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
