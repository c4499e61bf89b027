"""Snapshots at work: one is read at a start, and made while the switch runs, by a process of its own.

    python -m switch.shell.snapshots take|verify FOLDER NUMBER PARENT

That process knows what the last snapshot knew, reads the journal after it as anybody may who only reads, and
writes the next: so the switch never stops for it, and what is written is what a full reading would say, by the same
code. It runs at the lowest priority, and ends when the switch does. A start reads the newest snapshot that the
journal confirms, and what the journal has after it. The newest batches before it are verified at once, all older ones
(`verify`) by such a process while the switch is at work already: damage there ends the switch, as it would have kept
it from starting.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import structlog
import trio

from protocols.runtime.exits import DAMAGED, DONE, FAILED, fatal_in
from switch.memory import REMEMBERED_MAX, Memory
from switch.records import read
from switch.recovery import Recovery
from switch.snapshot import parts, restored, shape
from switch.store import snapshot
from switch.store.journal import DamagedJournalError, Journal, Reader, open_reader
from switch.store.snapshot import UselessSnapshotError

#: Records of the journal between two snapshots: what a start has to read at most, about a second and a half.
EVERY_RECORDS: Final = 200_000
LOOK_EVERY_S: Final = 5.0
AFTER_A_FAILURE_S: Final = 60.0  # a full disk is not asked every few seconds
VERIFIED_AT_START: Final = 10_000  # batches before the snapshot's: less than a second, and all there are mostly
NICE: Final = 19
PARENT_LOOKED_FOR_S: Final = 0.2

log = structlog.get_logger()


async def recalled(journal: Journal | Reader, folder: Path, bound: int = REMEMBERED_MAX) -> tuple[Recovery, int]:
    """What the newest useful snapshot knows, and its batch; nothing and 0 where the journal has to be read whole."""
    for name in (snapshot.FILE, snapshot.OLDER):
        try:
            with snapshot.reading(folder, name, shape(bound)) as found:
                if await journal.chain_of(found.seq) != found.chain:
                    raise UselessSnapshotError("the journal is another")
                return restored(found.parts, bound), found.seq
        except UselessSnapshotError as error:
            if (folder / name).exists():
                log.warning("snapshot.ignored", file=name, reason=str(error))
    return Recovery(Memory(bound)), 0


async def recovered(journal: Journal | Reader, folder: Path, bound: int = REMEMBERED_MAX) -> tuple[Recovery, int]:
    """All that the journal says, by way of a snapshot where there is one; and that snapshot's batch, else 0."""
    gc.disable()  # a million records that all stay, or go at once: nothing to look for among them
    try:
        recovery, seq = await recalled(journal, folder, bound)
        await journal.verify(max(0, seq - VERIFIED_AT_START), seq)
        async for _, records in journal.replay(after=seq):
            for record in records:
                recovery.take(read(record))
    finally:
        gc.enable()
    return recovery, seq


async def take(folder: Path, leave: int, bound: int = REMEMBERED_MAX) -> int:
    """Write the next snapshot; its last batch. `leave` bytes stay free on the disk."""
    async with await open_reader(folder) as reader:
        recovery, seq = await recalled(reader, folder, bound)
        async for last, records in reader.replay(after=seq):
            seq = last
            for record in records:
                recovery.take(read(record))
        chain = await reader.chain_of(seq)
    if chain is not None:
        snapshot.write(folder, seq, chain, shape(bound), parts(recovery), leave=leave)
    return seq


async def verify(folder: Path, until: int) -> int:
    """Hold every batch up to this one against its seal."""
    async with await open_reader(folder) as reader:
        await reader.verify(0, until)
    return until


async def in_a_process(what: str, folder: Path, number: int) -> int:
    """Run `take` or `verify` beside us; its exit code. DamagedJournalError where it found damage."""
    command = [sys.executable, "-m", "switch.shell.snapshots", what, str(folder), str(number), str(os.getpid())]
    done = await trio.run_process(command, check=False, capture_stdout=True, stderr=subprocess.DEVNULL)
    if done.returncode == DAMAGED:
        seq, _, why = done.stdout.decode(errors="replace").strip().partition(" ")
        raise DamagedJournalError(int(seq), why)
    return done.returncode


async def keep_snapshots(journal: Journal, folder: Path, snapshot_at: int, leave: int) -> None:
    """Verify what the start did not; then a snapshot whenever enough has been written since the last. For ever."""
    if (unverified := snapshot_at - VERIFIED_AT_START) > 0:
        await in_a_process("verify", folder, unverified)
    since = 0 if snapshot_at == 0 else await _first_record_after(journal, snapshot_at)
    while True:
        await trio.sleep(LOOK_EVERY_S)
        here = journal.next_record
        if here - since < EVERY_RECORDS:
            continue
        code = await in_a_process("take", folder, leave)
        log.info("snapshot.taken" if code == DONE else "snapshot.failed", records=here)
        if code == DONE:
            since = here
        else:
            await trio.sleep(AFTER_A_FAILURE_S)


async def _first_record_after(journal: Journal, seq: int) -> int:
    return (await journal._expected_after(seq))[1]


async def _process(what: str, folder: Path, number: int, parent: int) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_with, parent)
        await (take(folder, number) if what == "take" else verify(folder, number))
        nursery.cancel_scope.cancel()


async def _end_with(parent: int) -> None:
    """Nobody waits for us any more: half a snapshot is nothing, and the next one clears it away."""
    while os.getppid() == parent:  # noqa: ASYNC110 (the system tells nobody)
        await trio.sleep(PARENT_LOOKED_FOR_S)
    os._exit(FAILED)


def main(what: str, folder: str, number: str, parent: str) -> int:
    """The process. Where the journal is damaged: exit code 78, and `BATCH WHAT` on standard output."""
    os.nice(NICE)
    gc.disable()
    try:
        trio.run(_process, what, Path(folder), int(number), int(parent))
    except (Exception, BaseExceptionGroup, KeyboardInterrupt) as raised:
        error = fatal_in(raised)
        if isinstance(error, DamagedJournalError):
            sys.stdout.write(f"{error.seq} {error.what}\n")
        return FAILED if error is None else error.exit_code
    return DONE


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
