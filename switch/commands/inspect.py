"""`payswitch inspect`: a message, element by element, and where it breaks."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from protocols.errors import LocalProtocolError
from protocols.runtime.exits import DONE, FAILED, MISCONFIGURED
from switch.commands._messages import show_message
from switch.commands._terminal import complain, say, show_json
from switch.inspection import INPUT_MAX, Given, Reading, document, inspect_given, meant


def inspect(
    message: str = "-",
    /,
    *,
    dialect: Annotated[str | None, Parameter(help="The dialect it is in. Without it: whichever reads it.")] = None,
    framing: Annotated[
        str | None, Parameter(help="Its length header: len2 …, or none. Without it: whichever fits.")
    ] = None,
    guess: Annotated[
        bool, Parameter(help="All the ways in which it might be meant, the best first, and why each fits or does not.")
    ] = False,
    json: Annotated[bool, Parameter(help="For machines.")] = False,
) -> int:
    """Show a message element by element, named and masked, and where it breaks if it breaks.

    Exit code 1 when it breaks.

    Parameters
    ----------
    message
        Hex (spaces do not matter), the message as text, the name of a file with either or with
        the bytes themselves, or - for standard input.
    """
    given = read_given(message)
    if not given:
        complain("inspect: neither hex, nor a message, nor a file: nothing to read")
        return MISCONFIGURED
    if guess:
        return show_all_guesses(given, dialect, framing, json=json)
    try:
        reading = inspect_given(given, dialect, framing)
    except LocalProtocolError as error:  # no such dialect, no such framing
        complain(f"inspect: {error}")
        return MISCONFIGURED
    if json:
        show_json(document(reading))
    else:
        show(reading)
    return DONE if reading.is_whole else FAILED


def show_all_guesses(given: Sequence[Given], dialect: str | None, framing: str | None, *, json: bool) -> int:
    """Every way of reading it, ranked; what is named on the command line is not guessed at."""
    from switch.commands._diagnosis import guesses_document, show_guesses
    from switch.diagnosis import Fit, guesses, stranger

    found = guesses(given, framing, dialect)
    if not found:
        complain("inspect: no such dialect, or no such framing")
        return MISCONFIGURED
    if json:
        show_json(guesses_document(found))
        return DONE if found[0][1].fit is Fit.READS else FAILED
    for protocol in filter(None, (stranger(one.data) for one in given)):
        say(f"this is not ISO 8583: it begins like {protocol}")
    show_guesses(found)
    return DONE if found[0][1].fit is Fit.READS else FAILED


def read_given(message: str) -> list[Given]:
    """What was given: standard input, a file, or the message itself."""
    if message == "-":
        return meant(sys.stdin.buffer.read(INPUT_MAX))
    path = Path(message)
    try:
        if path.is_file():
            with path.open("rb") as file:
                return meant(file.read(INPUT_MAX))
    except OSError:  # a name too long for a file: it is a message
        pass
    return meant(message.encode())


def show(reading: Reading) -> None:
    """A reading for a person."""
    say(f"read as {reading.form}, framing {reading.framing}, dialect {reading.dialect}")
    for one in reading.messages:
        show_message(one)
    if reading.leftover:
        say(f"the stream breaks: {reading.leftover}")
