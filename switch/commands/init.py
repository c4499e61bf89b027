"""`payswitch init DIR`: a network of one's own begins as a copy."""

from pathlib import Path

from switch.commands._terminal import say
from switch.network_copy import copy_network
from switch.place import DEMONSTRATION, Place


def init(directory: Path, /, *, place: Place = DEMONSTRATION) -> None:
    """Copy the demonstration network into a new folder, to edit and to run with --network.

    Parameters
    ----------
    directory
        The folder to make. It must not exist, or be empty.
    """
    copied = copy_network(place.network, directory)
    say(f"{directory}: {', '.join(copied)}. Edit, then: payswitch check --network {directory}")
