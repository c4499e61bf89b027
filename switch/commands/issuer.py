"""`payswitch issuer NAME`: one bank's host in the foreground, or an order to one that is running."""

from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place

ORDER = Parameter(allow_leading_hyphen=True, help="An order to the bank that runs: see docs/issuer.md.")


def issuer(
    name: str,
    /,
    *order: Annotated[str, ORDER],
    dialect: str | None = None,
    dial: str | None = None,
    links: int | None = None,
    tls: bool = False,
    place: Place = DEMONSTRATION,
) -> int:
    """Run one issuer's host until it is told to stop; with words behind its name, tell a running one something.

    The words: close-day, close-cycle, sweep, scripts, script DO (decline, delay, silence, double, wrong, garbage,
    close) with --card, --amount, --merchant, --type, --code, --reason, --after, --times, script remove N, script clear.

    Parameters
    ----------
    name
        The bank: the name of a file in banks/, such as nbk.
    dialect
        Speak this one, whatever the bank's files say; the switch speaks as the agreement says.
    dial
        Dial the switch at this port (a name of network.toml, or host:port) instead of being dialled.
    links
        How many links to dial.
    tls
        Take mutual TLS only, also where the bank's agreement does not say so; the switch dials as the agreement says.
    """
    options = [
        *(["--tls"] if tls else []),
        *(["--dialect", dialect] if dialect else []),
        *(["--dial", dial] if dial else []),
        *(["--links", str(links)] if links else []),
    ]
    return become(Party(Part.ISSUER, name).command(place, *order, *options))
