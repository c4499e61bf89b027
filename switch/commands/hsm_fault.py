"""`payswitch hsm-fault`: the HSM simulator's faults, on and off. The HSM's own tool does it, as a process."""

import sys
from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become
from switch.place import Part


def hsm_fault(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Make the running HSM simulator do wrong on purpose, and stop it: over its control port.

    `set CC error --code 39 --rate 0.1`, `set CC delay --ms 500`, `set "*" drop`, `clear CC`, `clear`, `show`,
    `tamper`, `restore`, `authorise 00 --off`, `figures`. Kinds: error, delay, drop, close, freeze, disable.

    Parameters
    ----------
    words
        What to do: see `python -m hsm_sim fault --help`.
    """
    return become([sys.executable, "-m", Part.HSM, "fault", *words])
