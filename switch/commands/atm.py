"""`payswitch atm`: a cash machine, for testers. The same as `terminal`, at the network's first cash machine."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from switch.commands.terminal import WORDS, terminal
from switch.place import DEMONSTRATION, Place

FIRST = "atm"  # the terminals' own word for whichever cash machine comes first


def atm(
    *words: Annotated[str, WORDS],
    id_: Annotated[str, Parameter(name="--id", help="Another one: its id in terminals.toml.")] = FIRST,
    script: Path | None = None,
    dial: str | None = None,
    place: Place = DEMONSTRATION,
) -> int:
    """Work at a cash machine: insert CARD cash 20.000, balance, pin_change new_pin=….

    Parameters
    ----------
    script
        Do the steps of this TOML file; exit code 1 where something else came than a step expects.
    dial
        Speak to this host (host:port, plain TCP) instead of the network's switch.
    """
    return terminal(id_, *words, script=script, dial=dial, place=place)
