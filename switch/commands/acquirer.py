"""`payswitch acquirer NAME`: an acquirer's own host in the foreground, its settlement lines, or a merchant boarded."""

from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place

ORDER = Parameter(allow_leading_hyphen=True, help="lines [--date YYYY-MM-DD] [--json], or board MERCHANT …")


def acquirer(name: str, /, *order: Annotated[str, ORDER], place: Place = DEMONSTRATION) -> int:
    """Run an acquirer's own host until it is told to stop; with words behind its name, see or change its books.

    `lines` prints what each merchant and each tenant is owed; `board MERCHANT --terminal ID --tenant ID=NAME` gives a
    merchant a terminal or a tenant. The host is asked where the acquirer's agreement says `host`.

    Parameters
    ----------
    name
        The acquirer: the name of a file in acquirers/, such as nbd.
    """
    return become(Party(Part.ACQUIRER, name).command(place, *order))
