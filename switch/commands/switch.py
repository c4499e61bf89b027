"""`payswitch switch`: the switch in the foreground. `python -m switch` is the same."""

from functools import partial

from switch.place import DEMONSTRATION, Place


def switch(*, place: Place = DEMONSTRATION) -> int:
    """Run the switch until it is told to stop.

    Exit codes: 2 configuration, 3 a port is taken, 78 the journal is damaged.
    """
    from protocols.runtime.party import run
    from switch.shell.node import run_switch

    return run("switch", partial(run_switch, place.network, place.state))
