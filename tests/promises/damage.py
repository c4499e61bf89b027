"""P10 at full size: every bit of a journal of some fifty records, of its database and of its log, is flipped once.

    python -m tests.promises.damage [--every N]

After each flip the journal is opened as the switch opens it and read to its end. Then either all records are there, or
it does not open (exit code 78) and says at which batch; silence is the only wrong answer. The journal is a small one,
left behind by a killed writer, on a disk in memory where there is one. `--every 8` takes one bit of each byte.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import msgpack
import trio

from protocols.runtime.exits import DamagedStateError
from switch.store.journal import open_journal, open_reader
from tests.nemesis.run import commit

IN_FILE, IN_LOG, A_BATCH = 44, 3, 1  # batches; few in the log, for each writes whole pages there
FILES: Final = ("journal.db", "journal.db-wal")
REST: Final = ("journal.mark", "data.key")
SHARE: Final = 2000  # flips between two words of progress

Flip = tuple[str, int]  # which file, and the number of the bit in it


def batch(number: int) -> list[bytes]:
    return [msgpack.packb([2, number, b"0100" + bytes([number]) * 20])]


def made(folder: Path) -> None:
    """The journal, as a writer leaves it that is killed."""

    async def write() -> None:
        live = folder / "live"
        async with await open_journal(live) as journal:
            for number in range(IN_FILE):
                await journal.append(batch(number))
        async with await open_journal(live) as journal:
            for number in range(IN_FILE, IN_FILE + IN_LOG):
                await journal.append(batch(number))
            (folder / "killed").mkdir(mode=0o700)
            for name in (*FILES, *REST):
                shutil.copy(live / name, folder / "killed" / name)

    trio.run(write)


async def opens(folder: Path, *, writes: bool) -> str:
    """`whole`, `refused`, or what is wrong."""
    expected = [batch(number) for number in range(IN_FILE + IN_LOG)]
    try:
        async with await (open_journal if writes else open_reader)(folder) as journal:
            found = [[msgpack.packb(record) for record in records] async for _, records in journal.replay()]
    except DamagedStateError as error:
        return "refused" if error.exit_code == 78 else f"exit code {error.exit_code}"
    return "whole" if found == expected else f"SILENT: {len(found)} batches are read of {len(expected)}"


def flipped(killed: Path, scratch: Path, flips: Sequence[Flip], *, writes: bool) -> tuple[Counter[str], list[str]]:
    """What became of each flip, and what was wrong."""
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    content = {name: (killed / name).read_bytes() for name in (*FILES, *REST)}

    async def one(name: str, bit: int) -> str:
        folder = scratch / "one"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        for other, whole in content.items():
            (folder / other).touch(mode=0o600)
            (folder / other).write_bytes(whole if other != name else _with_flipped(whole, bit))
        return await opens(folder, writes=writes)

    async def all_of_them() -> None:
        for name, bit in flips:
            end = await one(name, bit)
            ends[end.partition(":")[0]] += 1
            if end not in ("whole", "refused"):
                wrong.append(f"P10: bit {bit} of {name}: {end}")

    trio.run(all_of_them)
    return ends, wrong


def _with_flipped(whole: bytes, bit: int) -> bytes:
    at = bit // 8
    return whole[:at] + bytes([whole[at] ^ 1 << bit % 8]) + whole[at + 1 :]


def _share(killed: Path, flips: Sequence[Flip], writes: bool) -> tuple[Counter[str], list[str]]:
    with tempfile.TemporaryDirectory(dir=killed.parent) as scratch:
        return flipped(killed, Path(scratch), flips, writes=writes)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.promises.damage", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only each Nth bit, a different one of each byte")
    parser.add_argument("--reader", action="store_true", help="read as a reader does: twice as fast")
    options = parser.parse_args()
    print(f"seed 0 (nothing is drawn), commit {commit()}", flush=True)
    memory = Path("/dev/shm")
    begun = time.monotonic()
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        made(folder)
        sizes = {one: (folder / "killed" / one).stat().st_size for one in FILES}
        # Every Nth bit, and not always the same one of a byte: N of 8 would be the lowest for ever.
        flips = [(one, bit) for one in FILES for bit in range(sizes[one] * 8) if (bit + bit // 8) % options.every == 0]
        print(f"{sizes}: {len(flips)} bits of {sum(sizes.values()) * 8}", flush=True)
        shares = [flips[at : at + SHARE] for at in range(0, len(flips), SHARE)]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            running = [pool.submit(_share, folder / "killed", share, not options.reader) for share in shares]
            for number, done in enumerate(running, start=1):
                found, bad = done.result()
                ends += found
                wrong += bad
                if number % 10 == 0:
                    print(f"{sum(ends.values())} flips, {time.monotonic() - begun:.0f} s: {dict(ends)}", flush=True)
    print(*wrong[:50], sep="\n")
    print(f"{sum(ends.values())} flips in {time.monotonic() - begun:.0f} s: {dict(ends)}; {len(wrong)} silent")
    return 5 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
