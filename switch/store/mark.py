"""The high-water mark: how far the journal had come, kept beside it.

SQLite does not notice lost history: a flipped bit in the write-ahead log makes it drop all that follows,
without a word. So the last sequence number and its chain value are written here after each commit, and
compared on opening. In place and without a sync of its own: after a power cut it may be behind the
journal, which is fine; a journal behind its mark is not.

It carries a keyed code, so that a mark cannot be made up to fit a journal that was cut.
"""

from __future__ import annotations

import hmac
import os
import struct
from pathlib import Path
from typing import Final

from protocols.runtime.exits import DamagedStateError
from switch.store.seal import CHAIN_BYTES, GENESIS, derived
from switch.store.state import make, opened

FILE: Final = "journal.mark"
MARK: Final = struct.Struct(f">8sQ{CHAIN_BYTES}s")
MAGIC: Final = b"PSMARK1\n"
CODE_BYTES: Final = 32
PURPOSE: Final = "high-water mark"
READS_MAX: Final = 100  # a reader in another process may see a mark half written; the writer needs a microsecond


class Mark:
    """The mark file, open."""

    def __init__(self, folder: Path, data_key: bytes, *, writable: bool) -> None:
        self._path = folder / FILE
        self._key = derived(data_key, PURPOSE)
        try:
            self._descriptor = opened(self._path, os.O_RDWR if writable else os.O_RDONLY)
        except FileNotFoundError:
            raise DamagedStateError(f"{self._path} is missing: nothing says how far the journal had come") from None

    @classmethod
    def make(cls, folder: Path, data_key: bytes) -> None:
        """A mark that says: nothing yet."""
        make(folder / FILE, _marked(derived(data_key, PURPOSE), 0, GENESIS))

    def write(self, seq: int, chain: bytes) -> None:
        os.pwrite(self._descriptor, _marked(self._key, seq, chain), 0)

    def read(self) -> tuple[int, bytes]:
        """(last sequence number, its chain value). Raises DamagedStateError."""
        for _ in range(READS_MAX):
            found = os.pread(self._descriptor, MARK.size + CODE_BYTES + 1, 0)
            text, code = found[: MARK.size], found[MARK.size :]
            if hmac.compare_digest(code, _code(self._key, text)):
                _, seq, chain = MARK.unpack(text)
                return seq, chain
        raise DamagedStateError(f"{self._path} is damaged")

    def close(self) -> None:
        os.close(self._descriptor)


def _marked(key: bytes, seq: int, chain: bytes) -> bytes:
    text = MARK.pack(MAGIC, seq, chain)
    return text + _code(key, text)


def _code(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
