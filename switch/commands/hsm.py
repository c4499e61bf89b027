"""`payswitch hsm`: the simulated HSM in the foreground."""

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place


def hsm(*, place: Place = DEMONSTRATION) -> int:
    """Run the simulated HSM until it is told to stop."""
    return become(Party(Part.HSM).command(place))
