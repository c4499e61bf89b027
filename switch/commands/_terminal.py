"""Tables for people: boxes and colours on a terminal, plain columns anywhere else.

Values go in as they are: what looks like markup in a value (`[secret]`) is shown, not obeyed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # rich is slow to load, and what prints JSON does without it
    from rich.console import Console
    from rich.text import Text

PLAIN_WIDTH = 250  # no terminal, no edge: a line must stay a line for grep


def console() -> Console:
    """Standard output, as wide as it is."""
    from rich.console import Console

    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """One table on standard output."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    out.print(table)


def tick(agrees: bool) -> Text:
    """Yes or no, for eyes that may not see the colour."""
    from rich.text import Text

    return Text("✓", "green") if agrees else Text("✗ NO", "bold red")


def say(line: str) -> None:
    """One line on standard output, at once: somebody may be waiting for it.

    Who has stopped reading (`payswitch up | grep -m1 ready`) is no reason for the network to go down.
    """
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(line: str) -> None:
    """One line on standard error."""
    print(line, file=sys.stderr, flush=True)


def show_json(document: object) -> None:
    """For machines."""
    print(json.dumps(document, indent=2, ensure_ascii=False))
