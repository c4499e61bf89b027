"""`python -m tests.oracle FILES…`: 0 where every promise was kept, 5 where one was broken, 2 where it cannot read."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.oracle.bank_book import bank_lines
from tests.oracle.books import BOOKS, Books, Line, UnreadableError, read_lines
from tests.oracle.rules import RULES, judge

BROKEN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    names = list(sys.argv[1:] if arguments is None else arguments)
    if not names:
        print("usage: python -m tests.oracle FILE…", file=sys.stderr)
        return 2
    try:
        lines = [line for name in names for line in _lines(Path(name))]
    except (OSError, UnicodeDecodeError, UnreadableError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 2
    books = Books(lines)
    print("read: " + ", ".join(f"{name} {len(books.of[name])}" for name in BOOKS if books.of[name]))
    for number, title, _, needs in RULES:
        if missing := [name for name in needs if not books.of[name]]:
            print(f"not looked at: rule {number}, {title} (no {', '.join(missing)})")
    found = judge(books)
    for finding in found:
        print(finding)
    print(f"{len(found)} broken promises" if found else "every promise that was looked at was kept")
    return BROKEN if found else 0


def _lines(path: Path) -> list[Line]:
    """A file of lines, or a bank's own book: NAME.db."""
    if path.suffix == ".db":
        return list(bank_lines(path, path.stem))
    return read_lines(str(path), path.read_text().splitlines())


if __name__ == "__main__":
    sys.exit(main())
