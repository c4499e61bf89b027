"""Totals, brought up to date with the journal when somebody asks for them.

Reads what the journal has gained since the last time; the first question of a run reads it from its
beginning. What is counted, and how, is `switch.totals`'s.
"""

from __future__ import annotations

from pathlib import Path

from switch.records import read
from switch.store.journal import open_reader
from switch.totals import Totals


async def catch_up(totals: Totals, folder: Path) -> None:
    """Add what the journal in this folder has beyond what is in the totals."""
    async with await open_reader(folder) as reader:
        async for seq, batch in reader.replay(after=totals.followed):
            for record in batch:
                totals.take(read(record))
            totals.followed = seq
