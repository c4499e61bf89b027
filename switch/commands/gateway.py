"""`payswitch gateway NAME`: one gateway in the foreground."""

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place


def gateway(name: str, /, *, till: bool = False, place: Place = DEMONSTRATION) -> int:
    """Run one gateway until it is told to stop.

    Parameters
    ----------
    name
        The gateway: the name of a file in gateways/, such as comtrust.
    till
        Read requests as JSON lines from standard input, and answer each with one.
    """
    return become(Party(Part.GATEWAY, name).command(place, *(["--till"] if till else [])))
