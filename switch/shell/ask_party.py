"""Asking a party for what it keeps: a short process that prints JSON and ends.

The parties meet on the wire, never in an import; what is not on the wire (books, test cards)
each prints for itself. What the answers mean is for `switch.audit` and `switch.tour`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence

import trio

from protocols.runtime.exits import (
    DONE,
    FAILED,
    MISCONFIGURED,
    ConfigurationError,
    DamagedStateError,
    FatalError,
    UnavailableError,
)
from switch.audit import Audit, Entry, audit, read_issuer_book, read_switch_books
from switch.place import Part, Place, issuers_elsewhere, issuers_here

LOOK_AGAIN_S = 0.3  # a look costs a process or five; nobody is served by more
ANSWER_WITHIN_S = 30.0


#: A party's exit code -> the same error as ours. Any other code says no more than that it failed.
ERRORS: Mapping[int, type[FatalError]] = {
    error.exit_code: error for error in (ConfigurationError, UnavailableError, DamagedStateError)
}


def no_answer(command: Sequence[str], code: int, why: str) -> FatalError:
    """A party did not say what it was asked."""
    text = f"{' '.join(command[2:4])}: {why or f'exit code {code}'}"
    return ERRORS.get(code, FatalError)(text)


async def asked(command: Sequence[str]) -> object:
    """The JSON that a command prints; FatalError with its last words if it does not."""
    with trio.move_on_after(ANSWER_WITHIN_S):
        done = await trio.run_process(
            list(command), stdin=subprocess.DEVNULL, capture_stdout=True, capture_stderr=True, check=False
        )
        return parsed(command, done)
    raise no_answer(command, FAILED, f"silent for {ANSWER_WITHIN_S:g} s")


async def complaints(command: Sequence[str]) -> list[str]:
    """What a command says is wrong with its own files: its lines on standard error, if it ends as misconfigured."""
    done = await trio.run_process(
        list(command), stdin=subprocess.DEVNULL, capture_stdout=True, capture_stderr=True, check=False
    )
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    if done.returncode in (DONE, MISCONFIGURED):
        return lines if done.returncode else []
    return [f"{' '.join(command[2:4])}: exit code {done.returncode}", *lines[-1:]]


#: How each of the other parties is made to read its files and say what is wrong with them.
CHECKS: Mapping[Part, tuple[str, ...]] = {
    Part.HSM: ("--check",),
    Part.ISSUER: ("cards", "--json"),
    Part.GATEWAY: ("check",),
}


async def problems_told(place: Place) -> list[str]:
    """What the other parties find wrong with the network's files."""
    told: dict[Part, list[str]] = {}

    async def ask(part: Part, arguments: Sequence[str]) -> None:
        told[part] = await complaints(place.command(part, *arguments))

    async with trio.open_nursery() as nursery:
        for part, arguments in CHECKS.items():
            nursery.start_soon(ask, part, arguments)
    return [line for part in CHECKS for line in told[part]]


def parsed(command: Sequence[str], done: subprocess.CompletedProcess[bytes]) -> object:
    """What an ended process printed."""
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise no_answer(command, done.returncode, "".join(last))
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise no_answer(command, FAILED, "what it printed is not JSON") from None


async def asked_all(commands: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """The answers of several commands that run at once; the first that has none is the error."""
    answers: dict[str, object] = {}
    errors: list[FatalError] = []

    async def ask(name: str, command: Sequence[str]) -> None:
        try:
            answers[name] = await asked(command)
        except FatalError as error:
            errors.append(error)

    async with trio.open_nursery() as nursery:
        for name, command in commands.items():
            nursery.start_soon(ask, name, command)
    if errors:
        raise errors[0]
    return answers


def switch_books_command(place: Place) -> list[str]:
    """Prints the switch's books."""
    return place.command(Part.SWITCH, "books", "--json")


async def switch_books(place: Place) -> dict[str, list[Entry]]:
    """The switch's books, issuer by issuer."""
    return read_switch_books(await asked(switch_books_command(place)))


async def cards(place: Place) -> object:
    """The test cards of all issuers."""
    return await asked(place.command(Part.ISSUER, "cards", "--json"))


async def audit_now(place: Place) -> Audit:
    """Hold all books against each other as they are."""
    here = issuers_here(place.network)
    books = await asked_all(
        {name: place.command(Part.ISSUER, "books", name, "--json") for name in here} | {"": switch_books_command(place)}
    )
    theirs: dict[str, list[Entry] | None] = dict.fromkeys(issuers_elsewhere(place.network))
    theirs |= {name: read_issuer_book(books[name]) for name in here}
    return audit(read_switch_books(books[""]), theirs)


async def settled_audit(place: Place, wait_s: float) -> Audit:
    """Hold the books against each other once nothing moves any more, or the time is up.

    Books are read one after the other, so while a transaction passes they may differ. What is
    the same twice in a row, with nothing waiting, is no such moment.
    """
    deadline = trio.current_time() + wait_s
    found = await audit_now(place)
    while (found.waiting or found.disagreements) and trio.current_time() < deadline:
        await trio.sleep(LOOK_AGAIN_S)
        before, found = found, await audit_now(place)
        if not found.waiting and found == before:
            break
    return found
