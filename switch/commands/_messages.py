"""One message on the terminal: its type, its elements, and where it breaks."""

from collections.abc import Iterable, Iterator, Sequence

from switch.commands._terminal import say, show_table
from switch.inspection import Inspection, Row, nested

INDENT = "  "


def show_message(one: Inspection, heading: str = "") -> None:
    """Print one message."""
    say(f"\n{heading}{one.mti or '????'} {one.title}, {one.length} bytes")
    show_table(("DE", "name", "title", "value"), lines_of(one.rows))
    if one.broken:
        say(f"the message {one.broken}")


def lines_of(rows: Iterable[Row]) -> Iterator[Sequence[object]]:
    """Elements, and below each what it is made of, indented by how deep it lies."""
    for row in rows:
        yield row.number, row.name, row.title, row.value
        for depth, part in nested(row.parts):
            yield "", INDENT * depth + part.key, INDENT * depth + part.title, part.value
