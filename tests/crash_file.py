"""A disk that can be stopped at any write or sync, and asked what would be left: `CrashFile`.

A file layer for SQLite (`open_journal(vfs=…)`) that passes everything on to real files and keeps a diary of it. From
the diary any moment can be had back as a power cut would leave it: what was synced is there; of what was not, all,
nothing, or any sectors, as the disk pleases. One run of a program so gives every place to die, without dying.

The diary also takes what does not come through SQLite (the mark), and what was told to somebody (`told`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import apsw

SECTOR: Final = 512  # what a disk writes whole or not at all


class Step(NamedTuple):
    """One thing that happened."""

    what: str  # write, truncate, sync, delete, told
    file: str = ""
    offset: int = 0
    data: bytes = b""


class Lost(NamedTuple):
    """What became of the writes that were not synced: a name, and which sectors of them stay."""

    name: str
    stays: Callable[[Random, int, int], bool]  # (chance, number of the write counted from the last, sector) -> whether


ALL_STAY: Final = Lost("kill -9: the page cache lives", lambda chance, back, sector: True)
ALL_GONE: Final = Lost("power: nothing unsynced is left", lambda chance, back, sector: False)
SOME_STAY: Final = Lost("power: any sectors, in any order", lambda chance, back, sector: chance.random() < 0.5)
LAST_TORN: Final = Lost("power: the last write is torn", lambda chance, back, sector: back > 0 or sector == 0)
NEWEST_STAYS: Final = Lost("power: the disk wrote the newest first", lambda chance, back, sector: back < 2)
WAYS: Final = (ALL_STAY, ALL_GONE, SOME_STAY, LAST_TORN, NEWEST_STAYS)


class Diary(apsw.VFS):
    """The file layer, under a name, and everything that happened on it."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.steps: list[Step] = []
        self.fails_at: int | None = None  # the sync with this number fails once, and then "works"
        self.is_full = False
        self._syncs = 0

    def told(self, number: int) -> None:
        """Somebody was told: from here on it must be there."""
        self.steps.append(Step("told", offset=number))

    def wrote(self, path: Path) -> None:
        """A file that does not come through SQLite was written in place, as it now is."""
        self.steps.append(Step("write", path.name, 0, path.read_bytes()))

    def sync(self) -> None:
        self._syncs += 1
        if self._syncs == self.fails_at:
            raise apsw.IOError("the disk says EIO")

    def xOpen(self, name: Any, flags: list[int]) -> CrashFile:  # noqa: N802  SQLite's names, here and below
        return CrashFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.steps.append(Step("delete", Path(filename).name))


class CrashFile(apsw.VFSFile):
    """One open file of it."""

    def __init__(self, diary: Diary, name: Any, flags: list[int]) -> None:
        self._diary = diary
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path).name if path else ""
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._diary.is_full:
            super().xWrite(data[: len(data) // 2], offset)  # as a full disk does: a part, and then the error
            raise apsw.FullError("no space left")
        super().xWrite(data, offset)
        self._diary.steps.append(Step("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._diary.steps.append(Step("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._diary.sync()
        super().xSync(flags)
        self._diary.steps.append(Step("sync", self._name))


def places_to_die(steps: list[Step]) -> Iterator[int]:
    """How many steps had been made, each time that something changed on the disk."""
    yield from (number for number, step in enumerate(steps) if step.what != "told")
    yield len(steps)


def told_by(steps: list[Step]) -> int:
    """The highest number that somebody was told."""
    return max((step.offset for step in steps if step.what == "told"), default=-1)


def left_over(steps: list[Step], lost: Lost, seed: int, *, lies: bool = False) -> dict[str, bytes]:
    """The files as they are after these steps and a power cut. With `lies` a sync says yes and does nothing."""
    chance = Random(seed)
    names = sorted({step.file for step in steps if step.file})
    files = {name: _left_of([step for step in steps if step.file == name], lost, chance, lies) for name in names}
    return {name: content for name, content in files.items() if content is not None}


def _left_of(steps: list[Step], lost: Lost, chance: Random, lies: bool) -> bytes | None:
    synced = 0 if lies else max((number for number, step in enumerate(steps, 1) if step.what == "sync"), default=0)
    open_ends = [number for number, step in enumerate(steps) if number >= synced and step.what == "write"]
    content = bytearray()
    there = False
    for number, step in enumerate(steps):
        if step.what == "delete":
            content, there = bytearray(), False
        elif step.what == "truncate":
            if number < synced or lost.stays(chance, len(open_ends), 0):
                del content[step.offset :]
        elif step.what == "write":
            there = True
            back = open_ends[-1:] and len([one for one in open_ends if one > number])
            for sector, (offset, part) in enumerate(_sectors(step)):
                if number < synced or lost.stays(chance, int(back or 0), sector):
                    content.extend(bytes(max(0, offset + len(part) - len(content))))
                    content[offset : offset + len(part)] = part
    return bytes(content) if there else None


def _sectors(step: Step) -> Iterator[tuple[int, bytes]]:
    """A write, cut where the disk cuts it."""
    at, end = step.offset, step.offset + len(step.data)
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        yield at, step.data[at - step.offset : until - step.offset]
        at = until


def put(folder: Path, files: dict[str, bytes]) -> Path:
    """The files in a folder of their own, closed to others."""
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        with open(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(content)
    return folder
