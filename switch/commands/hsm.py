"""`payswitch hsm`: the simulated HSM in the foreground."""

from switch.certificates import keep_up
from switch.commands._run_party import become
from switch.home import certificate_folder
from switch.place import DEMONSTRATION, Part, Party, Place
from switch.shell.clock import today


def hsm(*, place: Place = DEMONSTRATION) -> int:
    """Run the simulated HSM until it is told to stop: TCP and UDP 1500, mutual TLS 2500."""
    keep_up(certificate_folder(place.state), place.network, today())
    return become(Party(Part.HSM).command(place))
