"""The archive: what the journal knows of transactions that the memory has let go.

One look reads the journal from its beginning, for all keys that wait for it, and lets the rest of the
switch have its turn after each batch. That is slow and rare: only repeats and reversals of something
older than the memory come here. What is done with the finding is the core's.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from switch.records import read
from switch.recovery import Found, gather
from switch.store.journal import open_reader


async def look_up(folder: Path, keys: Iterable[str]) -> dict[str, Found]:
    """What the journal in this folder says of each key; a key that it does not know is left out."""
    sought = frozenset(keys)
    found: dict[str, Found] = {}
    async with await open_reader(folder) as reader:
        async for _, batch in reader.replay():
            gather(map(read, batch), sought, found)
    return found
