"""docs/promises.md, written from the list and the last full results. Pure: both come in, the page goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.promises import PROMISES, Promise

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "promises.md"
RESULTS = HERE / "results.json"

Results = Mapping[str, Mapping[str, Any]]

HEAD = """\
# What is promised, and how each promise is proved

Written by `./run promises` from the list in `tests/promises/`. Every promise has a small test in `./run test`, named
after it, and a full size by `./run promises P1` (several may be named; without a name, all). Every failure prints its
seed and its commit. What is not kept, or not tested, is said in its place.

## What one node cannot promise

- *A lost disk is lost history.* Alone, a node repairs a torn tail, finds any other damage, and stops. It has no copy.
- *Power.* `kill -9` keeps the page cache, so surviving it says nothing about a power cut. That claim rests on
  `synchronous=FULL`, on simulated disks that lose what was not synced, and on real disks that tell the truth.
- *Exactly-once delivery* does not exist. The promise is one effect: a message may arrive twice, and counts once.
- *A failed sync* is not tried again, because the second try may say yes to data that is gone: the process ends.
- *Availability.* While the one switch is down nobody is served. What was in flight is settled when it is back.
- *A database that lost its newest pages* looks whole to SQLite; ours carries a chain and a high-water mark.
  Who can change journal, mark and key together can change history.
"""


def page(results: Results) -> str:
    """The whole page."""
    parts = [HEAD, "\n## The promises\n"]
    for promise in PROMISES:
        parts.append(_section(promise, results.get(promise.name)))
    return "".join(parts)


def _section(promise: Promise, result: Mapping[str, Any] | None) -> str:
    lines = [f"\n### {promise.name}: {promise.title}\n", f"*Invariant:* {promise.invariant}.\n"]
    lines += _list("In `./run test`", _scaled(promise))
    lines += _list("Full size", [f"`{said(command)}`" for command in promise.full] or ["not yet"])
    lines.append(f"- *Last full result:* {_told(result)}")
    if promise.not_yet:
        lines.append(f"- *Not yet:* {promise.not_yet}")
    return "\n".join(lines) + "\n"


def _scaled(promise: Promise) -> list[str]:
    own = [f"`test_p{promise.number:02d}_…` in `tests/promises/`"] if has_test(promise) else ["not yet"]
    return own + [f"`{where}`" for where in promise.scaled]


def has_test(promise: Promise) -> bool:
    """Whether a test of this folder is named after it."""
    names = f"test_p{promise.number:02d}_", f"TestP{promise.number:02d}"
    return any(name in path.read_text() for path in HERE.glob("test_with_*.py") for name in names) or any(
        name in (HERE / file).read_text() for file in ("test_in_one_process.py", "test_reversals.py") for name in names
    )


def _list(title: str, words: Iterable[str]) -> list[str]:
    return [f"- *{title}:* {', '.join(words)}"]


def _told(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return "none yet"
    verdict = "kept" if result["kept"] else "BROKEN"
    size = f" ({result['size']})" if result.get("size") else ""
    return f"{verdict}, {result['date']}{size}, {result['seed']}, commit {result['commit']}, {result['machine']}"


def said(command: Sequence[str]) -> str:
    """As one types it.

    >>> said(("tests.nemesis", "--minutes", "30"))
    './run nemesis --minutes 30'
    """
    words = {
        "tests.nemesis": "./run nemesis",
        "tests.simulation": "./run simulate",
        "tests.nemesis.soak": "./run soak",
        "fuzz": "./run fuzz",
    }
    first = words.get(command[0], f"python -m {command[0]}")
    return " ".join((first, *command[1:]))
