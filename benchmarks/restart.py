"""How long a restart takes: a journal of so many transactions is made, then read back as the switch does at its start.

    python -m benchmarks.restart [TRANSACTIONS] [FOLDER]

Plain purchases, a hundred to a commit, as under load.
Only the reading is measured: opening, verifying, recovering; then again with a snapshot.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import trio

from protocols.dialects import dialect_named
from switch.configuration import configure
from switch.core import Core
from switch.records import AnsweredForm, SentForm, moment
from switch.shell.node import recover
from switch.shell.snapshots import take
from switch.store.journal import open_journal
from switch.store.snapshot import FILE

A_COMMIT = 100
BEGUN = 1_795_000_000.0

ELEMENTS = {
    2: "4111111111111111",
    3: "000000",
    4: "000000010000",
    7: "1118110640",
    11: "000001",
    12: "140640",
    13: "1118",
    14: "2912",
    18: "5732",
    22: "812",
    25: "59",
    32: "784001",
    37: "632211000001",
    41: "LAB00001",
    42: "LABORATORY00001",
    49: "784",
}


async def made(folder: Path, transactions: int) -> None:
    """A journal as a loaded switch writes it."""
    frame = dialect_named("iso87_ascii").encode("0100", ELEMENTS)
    sent = SentForm("lab", "0100", "sandbox", "iso87_ascii")
    answered = AnsweredForm("lab", "0100", "sandbox", "iso87_ascii")
    async with await open_journal(folder) as journal:
        for first in range(1, transactions + 1, A_COMMIT):
            batch = []
            for number in range(first, min(first + A_COMMIT, transactions + 1)):
                at, stan = moment(BEGUN + number / 1000), f"{number % 999_999 + 1:06d}".encode()
                key = f"lab/1/{1118000000 + number // 999_999}{stan.decode()}LAB00001".encode()
                batch.append(sent.fill(number, at, key, stan, frame))
                batch.append(answered.fill(number, at, key, stan, b"A1B2C3"))
            await journal.append(batch)


async def restarted(folder: Path) -> tuple[float, float, int]:
    """Seconds until the switch could listen, seconds of computing, and how many transactions it remembers."""
    begun, cpu = time.perf_counter(), time.process_time()
    async with await open_journal(folder) as journal:
        core = Core(configure(), Random(1))
        await recover(core, journal, folder)
        return time.perf_counter() - begun, time.process_time() - cpu, len(core.memory)


def main() -> None:
    transactions = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name) / "switch"
        trio.run(made, folder, transactions)
        size = sum(path.stat().st_size for path in folder.iterdir())
        seconds, cpu, remembered = trio.run(restarted, folder)
        begun = time.perf_counter()
        trio.run(take, folder, 0)
        taken, snapshot = time.perf_counter() - begun, (folder / FILE).stat().st_size
        again = trio.run(restarted, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{transactions} transactions, {size >> 20} MiB: {seconds:.1f} s to restart, {cpu:.1f} s of them computing")
    print(f"{remembered} remembered, {peak} MiB at the most")
    print(
        f"a snapshot of {snapshot >> 20} MiB was read and written in {taken:.1f} s, by a process of its own in earnest"
    )
    print(f"with it: {again[0]:.1f} s to restart, {again[1]:.1f} s of them computing; {again[2]} remembered")


if __name__ == "__main__":
    main()
