"""`payswitch journal`: verify, export, repair-tail, backup, restore."""

from __future__ import annotations

import json as lines
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from protocols.runtime.exits import DAMAGED, DONE
from switch.commands._terminal import complain, say
from switch.home import SWITCH
from switch.place import DEMONSTRATION, Place

journal = App(name="journal", help="Look after the switch's journal: is it whole, what is in it, copies of it.")


@journal.command
def verify(*, place: Place = DEMONSTRATION) -> int:
    """Read every batch and hold it against its seal, the one before, and the mark; while the switch runs or not.

    Exit code 78 names the first batch that is not as it was written.
    """
    import trio

    from switch.store.upkeep import examined

    health = trio.run(examined, place.state / SWITCH)
    say(f"{health.batches} batches, {health.records} records are as they were written; the mark says {health.marked}")
    if health.tail is not None:
        say(
            f"the log has a torn tail at offset {health.tail.offset}, {health.tail.length} bytes: "
            "a commit that was never finished, and nobody was told of"
        )
    if health.damage is None:
        return DONE
    complain(str(health.damage))
    return DAMAGED


@journal.command
def export(
    *,
    requests: Annotated[bool, Parameter(help="Only what was asked, each once: what a load test replays.")] = False,
    place: Place = DEMONSTRATION,
) -> int:
    """Print every record as a line of JSON: tokens for card numbers, and no secret.

    Exit code 78 where the journal is damaged: the lines before that are as they were written.
    """
    import trio

    from switch.shell.journal_lines import journal_lines
    from switch.store.journal import open_reader

    async def print_lines() -> None:
        folder = place.state / SWITCH
        async with await open_reader(folder) as reader:
            async for line in journal_lines(reader, folder, requests_only=requests):
                sys.stdout.write(lines.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

    trio.run(print_lines)
    sys.stdout.flush()
    return DONE


@journal.command
def repair_tail(
    *,
    accept_loss: Annotated[
        bool, Parameter(help="Also where somebody was told of what is missing: opens an older backup.")
    ] = False,
    place: Place = DEMONSTRATION,
) -> int:
    """Cut off what stands behind the last whole batch, if nobody was told of it. The switch must not run.

    Anything else stays as it is, and exit code 78 names the batch.
    """
    import trio

    from switch.store.upkeep import repair_tail as repair

    done = trio.run(lambda: repair(place.state / SWITCH, accept_loss=accept_loss))
    if done.tail is not None:
        say(f"the log's torn tail at offset {done.tail.offset} ({done.tail.length} bytes) is dropped; nobody was told")
    say(f"{done.kept} batches are whole; {done.dropped} cut off, {done.lost} lost that somebody may have been told of")
    return DONE


@journal.command
def backup(
    folder: Path,
    /,
    *,
    key: Annotated[bool, Parameter(negative="--no-key", help="Put the data key beside it.")] = True,
    place: Place = DEMONSTRATION,
) -> int:
    """Copy the journal into a new folder, while the switch runs or not, and verify the copy.

    With the data key beside it whoever has the folder can read it: keep it as you keep the journal. `--no-key`
    leaves it out; then the copy can be restored only where the key is.
    """
    import trio

    from switch.store.upkeep import back_up

    health = trio.run(lambda: back_up(place.state / SWITCH, folder, with_key=key))
    say(f"{folder}: {health.batches} batches, {health.records} records, verified")
    return DONE


@journal.command
def restore(folder: Path, /, *, place: Place = DEMONSTRATION) -> int:
    """Put a backup in the journal's place. The journal that is there is put aside; the switch must not run.

    A backup from before the journal's mark does not open, for somebody was told of what is missing: exit code 78,
    and `payswitch journal repair-tail --accept-loss` is how that loss is accepted.
    """
    import trio

    from switch.store.upkeep import restore as put_back

    health = trio.run(put_back, folder, place.state / SWITCH)
    say(f"{health.batches} batches, {health.records} records are in place")
    if health.damage is None:
        return DONE
    complain(str(health.damage))
    if health.is_behind:
        complain("to accept the loss: payswitch journal repair-tail --accept-loss")
    return DAMAGED
