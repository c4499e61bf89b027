"""A snapshot beside the journal: what a start would know after reading the journal up to one batch, sealed.

It saves time and proves nothing. It names its batch and that batch's chain value, so it is believed only where
the journal has that very batch; it is sealed as the journal is, for it holds what the journal holds, under a key of
its own derived from the same data key. Whatever is wrong with it (missing, damaged, cut, another journal's, another
version's) is said and the journal is read from its beginning. The one before is kept.

A file is a magic number, the batch's number, and parts of msgpack, each with its length, sealed to its place and to
the part before; the last says that it is the last. What the parts mean is the switch's (`switch.snapshot`).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain as one_after_the_other
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import msgpack

from protocols.runtime.exits import DamagedStateError, UnavailableError
from switch.store import state
from switch.store.seal import CHAIN_BYTES, GENESIS, BrokenSealError, Place, Seal, derived

FILE: Final = "journal.snapshot"
OLDER: Final = f"{FILE}.older"
UNFINISHED: Final = f"{FILE}.new"
LOCK: Final = f"{FILE}.lock"

MAGIC: Final = b"PSSNAP1\n"
HEAD: Final = struct.Struct(">8sQ")
LENGTH: Final = struct.Struct(">I")
PURPOSE: Final = "snapshot"
PART_MAX: Final = 64 * 1024 * 1024  # a part is about a megabyte; one issuer's numbers are four
MORE, LAST = 1, 0


class UselessSnapshotError(Exception):
    """It is not to be believed; the text says why, in a few words."""


class Snapshot(NamedTuple):
    """What a snapshot says of itself, and its parts, to be read once."""

    seq: int  # the last batch that is in it
    chain: bytes  # that batch's chain value
    parts: Iterator[Any]  # raises UselessSnapshotError wherever it stops being whole


def write(folder: Path, seq: int, chain: bytes, shape: Any, parts: Iterable[Any], *, leave: int = 0) -> int:
    """Write a snapshot and put it in its place; its size in bytes. One process at a time.

    `leave`: bytes that must stay free on the disk, else UnavailableError and the snapshot before stays.
    """
    unfinished = folder / UNFINISHED
    lock = state.Lock(folder / LOCK)
    try:
        unfinished.unlink(missing_ok=True)
        with open(state.opened(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            _write_all(file, folder, seq, one_after_the_other([[seq, chain, shape]], parts), leave)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if (folder / FILE).exists():
            (folder / FILE).replace(folder / OLDER)
        unfinished.replace(folder / FILE)
        state.sync_folder(folder)
    except OSError as error:
        raise UnavailableError(f"no snapshot was written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
        lock.release()
    return size


def _write_all(file: BinaryIO, folder: Path, seq: int, parts: Iterable[Any], leave: int) -> None:
    seal, previous = _seal(folder), GENESIS
    file.write(HEAD.pack(MAGIC, seq))
    for number, (part, more) in enumerate(_with_the_last_marked(parts), start=1):
        if leave and state.free_bytes(folder) < leave:
            raise UnavailableError("no snapshot was written: there is too little room on the disk")
        previous, sealed = seal.seal(Place(number, seq, more, previous), msgpack.packb(part))
        file.write(LENGTH.pack(len(sealed) + CHAIN_BYTES) + sealed + previous)


def _with_the_last_marked(parts: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    yield from ((part, MORE) for part in parts)
    yield None, LAST


@contextmanager
def reading(folder: Path, name: str, shape: Any) -> Iterator[Snapshot]:
    """The snapshot in this file. UselessSnapshotError: it is not there, damaged, or of another shape."""
    with closing(_pieces(folder, name)) as pieces:
        try:
            seq, chain, said = next(pieces)
        except (StopIteration, TypeError, ValueError):
            raise UselessSnapshotError("it does not say what it is") from None
        if said != shape:
            raise UselessSnapshotError("another version of payswitch wrote it")
        yield Snapshot(seq, chain, pieces)


def _pieces(folder: Path, name: str) -> Generator[Any, None, None]:
    """What is sealed in it, part by part, in order and to the last."""
    try:
        descriptor = state.opened(folder / name, os.O_RDONLY)
        seal = _seal(folder)
    except FileNotFoundError:
        raise UselessSnapshotError("there is none") from None
    except DamagedStateError as error:
        raise UselessSnapshotError(str(error)) from None
    with open(descriptor, "rb") as file:
        head = file.read(HEAD.size)
        if len(head) < HEAD.size or not head.startswith(MAGIC):
            raise UselessSnapshotError("it is not a snapshot")
        _, seq = HEAD.unpack(head)
        previous, number = GENESIS, 0
        while True:
            number += 1
            content = _content(file)
            more, part, previous = _opened(seal, number, seq, previous, content)
            if not more:
                break
            yield part
        if file.read(1):
            raise UselessSnapshotError("something stands behind its end")


def _content(file: BinaryIO) -> bytes:
    length = file.read(LENGTH.size)
    size = LENGTH.unpack(length)[0] if len(length) == LENGTH.size else 0
    content = file.read(size) if CHAIN_BYTES < size <= PART_MAX else b""
    if not size or len(content) < size:
        raise UselessSnapshotError("it is cut")
    return content


def _opened(seal: Seal, number: int, seq: int, previous: bytes, content: bytes) -> tuple[int, Any, bytes]:
    """(whether more follow, the part, its chain value)."""
    sealed, chain = content[:-CHAIN_BYTES], content[-CHAIN_BYTES:]
    for more in (MORE, LAST):
        try:
            packed = seal.open(Place(number, seq, more, previous), chain, sealed)
        except BrokenSealError:
            continue
        return more, msgpack.unpackb(packed, strict_map_key=False), chain
    raise UselessSnapshotError(f"its part {number} is damaged")


def _seal(folder: Path) -> Seal:
    return Seal(derived(state.data_key(folder), PURPOSE))
