"""A party's disk: real files under a layer that knows what was synced, may be slow, fail, fill up, and lose power.

`tests.crash_file` keeps the diary; a crash leaves what its diary allows. A crash in the middle of a commit dies at any
of the commit's writes and syncs, as the seed says.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import apsw

from tests.crash_file import WAYS, CrashFile, Diary, Lost, Step, left_over

COMMIT_S = 0.003  # of a disk in good health
ON_THE_SIDE = ("journal.mark",)  # files that are not SQLite's, and lose what was not synced all the same

_names = itertools.count(1)


class File(CrashFile):
    """A file of a machine that may be dead: what is written then is written nowhere."""

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  SQLite's names
        if not self._disk.is_dead:
            self._disk.works()
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        if not self._disk.is_dead:
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if not self._disk.is_dead:
            self._disk.works()
            super().xSync(flags)

    @property
    def _disk(self) -> _Layer:
        assert isinstance(self._diary, _Layer)
        return self._diary


class _Layer(Diary):
    """The file layer of one life of a process."""

    def __init__(self) -> None:
        self.vfs = f"simulated-{next(_names)}"
        super().__init__(self.vfs)
        self.is_dead = False
        self.fails_in: int | None = None  # so many more writes and syncs go well
        self.has_failed = False

    def works(self) -> None:
        if self.fails_in is not None:
            self.fails_in -= 1
            if self.fails_in < 0:
                self.fails_in, self.has_failed = None, True
                raise apsw.IOError("the disk says EIO")

    def xOpen(self, name: Any, flags: list[int]) -> CrashFile:  # noqa: N802
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        if not self.is_dead:
            super().xDelete(filename, syncdir)


class Disk:
    """What outlives a process: its folder."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.folder = folder
        self.random = random
        self.slow_s = 0.0
        self.free_bytes = 1 << 40
        self.acknowledged = 0  # steps of the diary when the last commit was told to be whole
        self.failed = False  # it has refused something in this life
        self._layer: _Layer | None = None

    def power_on(self) -> None:
        """A new life begins, with the files there are."""
        self.power_off()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._layer = layer = _Layer()
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and _may_be_lost(path.name):
                layer.steps += [Step("write", path.name, 0, path.read_bytes()), Step("sync", path.name)]
        self.acknowledged, self.failed = len(layer.steps), False

    @property
    def vfs(self) -> str:
        assert self._layer is not None
        return self._layer.vfs

    @property
    def has_failed(self) -> bool:
        """Whether it has refused something in this life."""
        return self.failed or bool(self._layer and (self._layer.has_failed or self._layer.is_full))

    @property
    def is_dead(self) -> bool:
        """Whether nothing is written any more."""
        return self._layer is None or self._layer.is_dead

    def commit_s(self) -> float:
        """How long the next commit takes."""
        return COMMIT_S + self.random.uniform(0, 0.001) + self.random.uniform(0, self.slow_s)

    def committed(self) -> None:
        """Everything up to here was told to be on disk."""
        if self._layer is not None:
            self.acknowledged = len(self._layer.steps)

    def fails_in(self, calls: int) -> None:
        """One of the next calls says EIO."""
        if self._layer is not None:
            self._layer.fails_in = calls

    def fill(self, full: bool) -> None:
        """No room is left, or there is some again."""
        self.free_bytes = 0 if full else 1 << 40

    def wrote(self, name: str, content: bytes, *, synced: bool = False) -> None:
        """A file on the side was written."""
        if self._layer is not None and not self._layer.is_dead:
            self._layer.steps.append(Step("write", name, 0, content))
            if synced:
                self._layer.steps.append(Step("sync", name))

    def die(self) -> None:
        """The process is gone, or the power: nothing is written from now on."""
        if self._layer is not None:
            self._layer.is_dead = True

    def lose(self, lost: Lost) -> None:
        """After the process has been cleared away: leave what the cut leaves."""
        layer = self._layer
        assert layer is not None
        whole = len(layer.steps)
        cut = self.random.randint(self.acknowledged, whole) if whole > self.acknowledged else whole
        left = left_over(layer.steps[:cut], lost, self.random.randrange(1 << 30))
        known = {step.file for step in layer.steps}
        for path in sorted(self.folder.rglob("*")):
            if path.name.endswith("-shm") or (path.name in known and path.name not in left):
                path.unlink()
            elif path.name in left:
                path.write_bytes(left[path.name])
        where = {path.name: path.parent for path in sorted(self.folder.rglob("*")) if path.is_file()}
        for name, content in left.items():
            if name not in where:
                parent = next((where[one] for one in (name.removesuffix("-wal"),) if one in where), self.folder)
                (parent / name).write_bytes(content)
                (parent / name).chmod(0o600)

    def power_off(self) -> None:
        """Let go of the layer."""
        if self._layer is not None:
            self._layer.unregister()
            self._layer = None


def _may_be_lost(name: str) -> bool:
    return name in ON_THE_SIDE or name.endswith((".db", ".db-wal"))


@contextmanager
def disks_folder() -> Iterator[Path]:
    """Somewhere in memory, where the system has such a place."""
    import tempfile

    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="simulated-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


__all__ = ["WAYS", "Disk", "disks_folder"]
