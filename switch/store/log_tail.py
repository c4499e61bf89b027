"""The end of a write-ahead log: what SQLite will drop without a word when it opens it.

Pure: the log's bytes in, what is behind the last whole commit out. A log is torn when the writer died, or the power
failed, in the middle of a commit: nobody was told of that one. Format: "WAL file format" of SQLite's documentation
(a header of 32 bytes; frames of 24 bytes and a page; a running checksum over both; a salt that names the log's turn).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

HEADER: Final = struct.Struct(">IIIIIIII")
FRAME: Final = struct.Struct(">IIIIII")
MAGIC: Final = 0x377F0682  # and 1 more where checksums are big-endian
WORD: Final = 0xFFFFFFFF


class Tail(NamedTuple):
    """What stands behind the last whole commit."""

    offset: int  # in the log, in bytes, where it begins
    length: int  # in bytes
    commits: int  # whole commits before it


def torn_tail(log: bytes) -> Tail | None:
    """The tail of this turn of the log that belongs to no whole commit; None where there is none.

    Frames of an earlier turn, which a log that was begun anew still holds behind its end, are no tail.
    """
    if len(log) < HEADER.size:
        return Tail(0, len(log), 0) if log else None
    magic, _, page, _, salt, pepper, first, second = HEADER.unpack_from(log)
    if magic & ~1 != MAGIC or not 512 <= page <= 65536:
        return Tail(0, len(log), 0)
    order = ">" if magic & 1 else "<"
    sums = _checksum(log[:24], (0, 0), order)
    if sums != (first, second):
        return Tail(0, len(log), 0)
    at = committed = HEADER.size
    commits = 0
    while at + FRAME.size + page <= len(log):
        _, size, salt_here, pepper_here, one, other = FRAME.unpack_from(log, at)
        if (salt_here, pepper_here) != (salt, pepper):
            break
        sums = _checksum(log[at : at + 8] + log[at + FRAME.size : at + FRAME.size + page], sums, order)
        if sums != (one, other):
            return Tail(committed, len(log) - committed, commits)
        at += FRAME.size + page
        if size:
            committed, commits = at, commits + 1
    if at > committed or _began(log[at:], salt, pepper):
        return Tail(committed, len(log) - committed, commits)
    return None


def _began(rest: bytes, salt: int, pepper: int) -> bool:
    """Whether a frame of this turn begins here and was cut."""
    return len(rest) >= 16 and struct.unpack_from(">II", rest, 8) == (salt, pepper)


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & WORD
        second = (second + odd + first) & WORD
    return first, second
