"""`payswitch issuer NAME`: one bank's host in the foreground."""

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place


def issuer(name: str, /, *, dialect: str | None = None, tls: bool = False, place: Place = DEMONSTRATION) -> int:
    """Run one issuer's host until it is told to stop.

    Parameters
    ----------
    name
        The bank: the name of a file in banks/, such as nbk.
    dialect
        Speak this one, whatever the bank's files say; the switch speaks as the agreement says.
    tls
        Take mutual TLS only, also where the bank's agreement does not say so; the switch dials as the agreement says.
    """
    options = [*(["--tls"] if tls else []), *(["--dialect", dialect] if dialect else [])]
    return become(Party(Part.ISSUER, name).command(place, *options))
