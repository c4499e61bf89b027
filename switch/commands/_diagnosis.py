"""What the doctor found, on the terminal: ways of reading, both keys side by side, elements in colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from protocols.elements import ELEMENTS, Sensitivity
from protocols.message import Message
from protocols.mti import is_known, title
from switch.commands._terminal import console, say, show_table
from switch.diagnosis import Candidate, Fit, KeyPart
from switch.examination import Examination, Finding, Outcome
from switch.inspection import inspected, message_document, rows_of

if TYPE_CHECKING:
    from rich.text import Text

CANDIDATES_SHOWN = 5  # more is a list of everything that there is

#: A colour for what an element is about; what is masked stands out.
COLOURS = {
    Sensitivity.OPEN: "cyan",
    Sensitivity.CARD: "yellow",
    Sensitivity.PARTLY: "yellow",
    Sensitivity.SECRET: "red",
}
VERDICTS = {Fit.READS: ("reads", "green"), Fit.BEGINS: ("begins well", "yellow"), Fit.NOT: ("no", "dim")}


def show_candidates(found: Sequence[Candidate]) -> None:
    """The best few ways of reading what a peer said, and why."""
    near = [one for one in found if one.fit > Fit.NOT]
    if near:
        show_table(("framing", "dialect", "fits", "because"), map(_row, near[:CANDIDATES_SHOWN]))
    _say_rest(len(near), len(found))


def show_guesses(found: Sequence[tuple[str, Candidate]]) -> None:
    """The same for what somebody gave us: it may be hex, or mean itself. The best of them is then shown whole."""
    near = [(form, *_row(one)) for form, one in found if one.fit > Fit.NOT]
    if near:
        show_table(("given as", "framing", "dialect", "fits", "because"), near[:CANDIDATES_SHOWN])
    _say_rest(len(near), len(found))
    for message in found[0][1].messages:
        show_coloured(message, "")


def guesses_document(found: Sequence[tuple[str, Candidate]]) -> object:
    """All of them for machines, the best first. Only that is read out: the others may be wrong about what is secret."""
    return [
        {
            "form": form,
            "framing": one.way.framing,
            "dialect": one.way.dialect,
            "keep_alive": one.way.keep_alive,
            "fits": VERDICTS[one.fit][0],
            "because": one.reasons,
            "messages": [message_document(inspected(message)) for message in one.messages if one is found[0][1]],
        }
        for form, one in found
    ]


def finding_document(examination: Examination, file: str | None) -> Mapping[str, object]:
    """What the doctor found, for machines; `file` is the participant's."""
    finding = examination.finding or Finding(Outcome.NOTHING)
    return {
        "outcome": finding.outcome,
        "ways": [{"framing": way.framing, "dialect": way.dialect} for way in finding.ways],
        "protocol": finding.protocol or None,
        "asked": finding.asked and message_document(inspected(finding.asked)),
        "answered": finding.answer and message_document(inspected(finding.answer)),
        "key": [
            {"part": part.name, "asked": part.asked, "answered": part.answered, "decisive": part.is_decisive}
            for part in finding.key
        ],
        "participant": file,
        "seen": [{"framing": sight.framing, "ending": sight.ending} for sight in examination.sights],
    }


def _row(one: Candidate) -> tuple[str | Text, ...]:
    from rich.text import Text

    return one.way.framing, one.way.dialect, Text(*VERDICTS[one.fit]), "; ".join(one.reasons)


def _say_rest(near: int, tried: int) -> None:
    if not near:
        say(f"none of {tried} ways even begins like a message")
    elif near > CANDIDATES_SHOWN:
        say(f"and {near - CANDIDATES_SHOWN} more that fit no better")


def show_coloured(message: Message, heading: str) -> None:
    """A message with its elements in the colours of their kind, masked as everywhere.

    Of a type that nobody knows it may be read wrongly, and a card stand where it is not masked: no element is shown.
    """
    from rich.text import Text

    console().print(Text.assemble("\n", heading, (message.mti, "bold magenta"), f" {title(message.mti)}"))
    if not is_known(message.mti):
        return
    rows = [(str(row.number), row.name, row.title, coloured(row.number, row.value)) for row in rows_of(message.items())]
    show_table(("DE", "name", "title", "value"), rows)


def coloured(number: int, value: str) -> Text:
    """A value that may be seen, in its colour."""
    from rich.text import Text

    element = ELEMENTS.get(number)
    return Text(value, COLOURS[element.sensitivity] if element else "red")


def show_keys(parts: Iterable[KeyPart]) -> None:
    """Both keys, side by side."""
    show_table(("key", "asked", "answered", ""), ((part.name, part.asked, part.answered, mark(part)) for part in parts))


def mark(part: KeyPart) -> Text:
    """Whether the parts agree, and whether it matters."""
    from rich.text import Text

    if part.agrees:
        return Text("✓", "green")
    return Text("✗ differs", "bold red") if part.is_decisive else Text("differs, which the switch allows", "yellow")
