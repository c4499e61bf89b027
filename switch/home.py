"""The state folder of a network: who may bring it up, and how it starts with new books.

Only files that are known to be books are ever deleted, and only in a folder where nothing else
lies: `--state ~` must not be the end of somebody's home. What the files hold is their owners'.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from protocols.pki import FOLDER as CERTIFICATES
from protocols.runtime.exits import ConfigurationError

LOCK = "up.lock"
SWITCH = "switch"  # the switch's own folder in there
ORDERS = "admin.sock"  # in it, while a switch runs
TOKEN = "console.token"  # in it: who has it may open the console; it outlives the books, like a key
BOARDED = "boarded.json"  # the same: merchants that came since the network's files were written
ISSUERS = "issuers"  # the banks', a few files each
ACQUIRERS = "acquirers"  # the gateways': what their shops have asked for, and the vault's wrapped key

#: What the parties keep, and what goes when a network starts afresh.
BOOKS = (
    *(f"{SWITCH}/{name}" for name in ("journal.*", "books.*", "data.key", ORDERS, f"{BOARDED}*")),
    *(f"{ISSUERS}/{name}" for name in ("*.db*", "*.key", "*.lock", "*.sock")),
    *(f"{ACQUIRERS}/{name}" for name in ("*.db*", "*.key", "*.lock", "*.unfinished")),
    "logs/*.log",
)
#: What else may lie there, and stays: whose process brings the network up, keys, folders of the above.
KEPT = (
    *(LOCK, "hsm", "hsm/*", SWITCH, f"{SWITCH}/{TOKEN}", ISSUERS, ACQUIRERS, "logs"),
    *(CERTIFICATES, f"{CERTIFICATES}/*"),
)


class NotOurStateError(ConfigurationError):
    """The folder holds something that no party of ours put there."""


def log_folder(state: Path) -> Path:
    """Where each party's log goes."""
    return state / "logs"


def certificate_folder(state: Path) -> Path:
    """Where the certificates and keys of everybody on this machine are."""
    return state / CERTIFICATES


def start_afresh(state: Path) -> list[Path]:
    """Delete the books; the files that are gone. NotOurStateError, and nothing is, if a stranger's file lies there."""
    found = list(contents(state))
    for path in found:
        if not is_one_of(path.relative_to(state), BOOKS + KEPT):
            raise NotOurStateError(f"{state} holds {path.name!r}, which is not ours: nothing was deleted")
    books = [path for path in found if is_one_of(path.relative_to(state), BOOKS)]
    for path in books:
        path.unlink()
    return books


def contents(state: Path) -> Iterator[Path]:
    """Everything in the folder, and in its folders of ours."""
    if not state.is_dir():
        return
    for path in sorted(state.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink() and path.name in KEPT:
            yield from sorted(path.iterdir())


def is_one_of(path: Path, patterns: tuple[str, ...]) -> bool:
    """Whether a path within the state folder is known.

    >>> is_one_of(Path("issuers/nbk.db-wal"), BOOKS), is_one_of(Path("thesis.doc"), BOOKS + KEPT)
    (True, False)
    """
    return any(fnmatchcase(str(path), pattern) and len(path.parts) == pattern.count("/") + 1 for pattern in patterns)
