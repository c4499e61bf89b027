"""One message on the terminal: its type, its elements, and where it breaks."""

from switch.commands._terminal import say, show_table
from switch.inspection import Inspection


def show_message(one: Inspection, heading: str = "") -> None:
    """Print one message."""
    say(f"\n{heading}{one.mti or '????'} {one.title}, {one.length} bytes")
    show_table(("DE", "name", "title", "value"), ((row.number, row.name, row.title, row.value) for row in one.rows))
    if one.broken:
        say(f"the message {one.broken}")
