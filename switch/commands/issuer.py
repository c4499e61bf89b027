"""`payswitch issuer NAME`: one bank's host in the foreground."""

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place


def issuer(name: str, /, *, tls: bool = False, place: Place = DEMONSTRATION) -> int:
    """Run one issuer's host until it is told to stop.

    Parameters
    ----------
    name
        The bank: the name of a file in banks/, such as nbk.
    tls
        Take mutual TLS only, also where the bank's agreement does not say so; the switch dials as the agreement says.
    """
    return become(Party(Part.ISSUER, name).command(place, *(["--tls"] if tls else [])))
