"""Lines of a frame as a table of plain text. What may be seen of a field was decided before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protocols.hsm.shown import Line


def table(lines: Iterable[Line]) -> Iterator[str]:
    """One row a field: where it begins, how long it is, its name, its value.

    >>> from protocols.hsm.shown import Line
    >>> list(table([Line(0, 4, "header", "0001")]))
    ['     0     4  header               0001']
    """
    for line in lines:
        begins = "" if line.begins is None else str(line.begins)
        yield f"{begins:>6}{line.length:>6}  {line.name:20} {line.value}".rstrip()
