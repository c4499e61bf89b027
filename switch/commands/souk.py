"""`payswitch souk`: the demonstration's store in the foreground."""

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Part, Party, Place


def souk(*, place: Place = DEMONSTRATION) -> int:
    """Run the store, Souk Al-Watani, until it is told to stop.

    It is a client of the store API: the gateway comtrust must run for anybody to pay.
    """
    return become(Party(Part.STORE).command(place))
