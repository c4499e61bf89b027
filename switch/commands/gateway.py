"""`payswitch gateway NAME`: one gateway in the foreground."""

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place


def gateway(name: str, /, *, till: bool = False, tls: bool = False, place: Place = DEMONSTRATION) -> int:
    """Run one gateway until it is told to stop.

    Parameters
    ----------
    name
        The gateway: the name of a file in gateways/, such as comtrust.
    till
        Read requests as JSON lines from standard input, and answer each with one.
    tls
        Connect by mutual TLS, also where the gateway's file does not say so.
    """
    options = [option for option, wanted in (("--till", till), ("--tls", tls)) if wanted]
    return become(Party(Part.GATEWAY, name).command(place, *options))
