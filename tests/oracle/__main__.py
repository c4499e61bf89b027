"""`python -m tests.oracle FILES…`: 0 where every promise was kept, 5 where one was broken, 2 where it cannot read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.oracle.books import BOOKS, Books, UnreadableError, read_lines
from tests.oracle.rules import RULES, judge

BROKEN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    names = list(sys.argv[1:] if arguments is None else arguments)
    if not names:
        print("usage: python -m tests.oracle FILE…", file=sys.stderr)
        return 2
    try:
        lines = [line for name in names for line in read_lines(name, Path(name).read_text().splitlines())]
    except (OSError, UnicodeDecodeError, UnreadableError) as error:
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


if __name__ == "__main__":
    sys.exit(main())
