"""How often each test card's chip has been used: a bank takes no counter twice, in no run and not in the next.

Two bytes a card, mapped into memory, in a file beside the cards' own (`cards.bin.counters`), so that workers with
disjoint cards may share it. Without a file of cards nothing is kept. Which counter goes into which message is
`proofs`' business.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final, Self

from loadtest.usage import UsageError

WIDTH: Final = 2
MOST: Final = 0xFFFF  # of a chip's counter; after so many transactions a card is exchanged
OWNER_ONLY: Final = 0o600


class ChipCounters:
    """Counters of `count` cards. Close it, or use it as a context."""

    def __init__(self, path: Path | None, count: int) -> None:
        """UsageError where the file cannot be had or is of other cards."""
        self._path = path
        try:
            self._bytes: mmap.mmap | bytearray = bytearray(WIDTH * count) if path is None else _mapped(path, count)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None

    def next(self, card: int) -> int:
        """One more transaction of a card; UsageError where its chip can do no more."""
        at = WIDTH * card
        counter = int.from_bytes(self._bytes[at : at + WIDTH], "big") + 1
        if counter > MOST:
            raise UsageError(f"{self._path}: card {card} has used up its chip's counter; make new cards")
        self._bytes[at : at + WIDTH] = counter.to_bytes(WIDTH, "big")
        return counter

    def close(self) -> None:
        """Idempotent."""
        if isinstance(self._bytes, mmap.mmap):
            self._bytes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _mapped(path: Path, count: int) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, OWNER_ONLY)
    try:
        size = os.fstat(descriptor).st_size
        if size not in (0, WIDTH * count):
            raise UsageError(f"{path}: counters of other cards; delete it with the cards that it was of")
        os.ftruncate(descriptor, WIDTH * count)
        return mmap.mmap(descriptor, WIDTH * count)
    finally:
        os.close(descriptor)
