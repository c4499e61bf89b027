"""The state folder: who may read it, who is using it, and the data key.

The folder is 0700 and every file in it 0600, whatever the umask. A file that is a symbolic link is
refused, because somebody else decided where it leads. It keeps out what the files mean.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from protocols.runtime.exits import ConfigurationError, DamagedStateError, UnavailableError
from switch.store.seal import DATA_KEY_BYTES

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
OTHERS: Final = 0o077

DATA_KEY: Final = "data.key"


class StateInUseError(ConfigurationError):
    """Another process writes there."""


def prepared(folder: Path) -> Path:
    """The folder, made if it was not there, closed to everybody else."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if folder.stat().st_mode & OTHERS:
            folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise ConfigurationError(f"cannot use {folder} as state folder: {error.strerror}") from None
    return folder


def opened(path: Path, flags: int) -> int:
    """A descriptor of a file that is ours, regular, no link and closed to others. Raises FileNotFoundError."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigurationError(f"cannot open {path}: {error.strerror}") from None
    try:
        _refuse_unless_private(path, os.fstat(descriptor))
    except ConfigurationError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_unless_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"{path} is not a regular file")
    if status.st_uid != os.geteuid():
        raise ConfigurationError(f"{path} belongs to another user")
    if status.st_mode & OTHERS:
        raise ConfigurationError(f"{path} may be read or written by others; it must have mode 0600")


def touched(path: Path) -> bool:
    """Make sure the file is there, with our mode. True when it was made now."""
    try:
        os.close(opened(path, os.O_RDWR))
    except FileNotFoundError:
        os.close(opened(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        return True
    return False


class Lock:
    """The one writer's place. The system takes it back when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._descriptor = opened(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise StateInUseError(f"{path.parent} is in use by another process ({path.name} is locked)") from None

    def release(self) -> None:
        os.close(self._descriptor)


def data_key(folder: Path) -> bytes:
    """The data key. Raises DamagedStateError when it is not there, or not whole."""
    path = folder / DATA_KEY
    try:
        descriptor = opened(path, os.O_RDONLY)
    except FileNotFoundError:
        raise DamagedStateError(f"{path} is missing: what is sealed with it cannot be read") from None
    with open(descriptor, "rb") as file:
        key = file.read(DATA_KEY_BYTES + 1)
    if len(key) != DATA_KEY_BYTES:
        raise DamagedStateError(f"{path} has {len(key)} bytes, not {DATA_KEY_BYTES}")
    return key


def make_data_key(folder: Path) -> None:
    """A new data key from the system's randomness, unless there is one: a key is never replaced."""
    if not (folder / DATA_KEY).exists():
        make(folder / DATA_KEY, secrets.token_bytes(DATA_KEY_BYTES))


def make(path: Path, content: bytes) -> None:
    """A new file, durable; whole or not there at all, whenever the power fails."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with open(opened(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.link(unfinished, path)  # unlike a rename, it fails if there is one
    unfinished.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names durable: a synced file whose name was not synced is gone after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """Room on the disk of the folder, for whoever keeps a reserve."""
    try:
        status = os.statvfs(folder)
    except OSError as error:
        raise UnavailableError(f"cannot ask the disk of {folder}: {error.strerror}") from None
    return status.f_bavail * status.f_frsize
