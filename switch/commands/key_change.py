"""`payswitch key-change PARTICIPANT`: a new working key, made by the HSM and given to a participant on its link."""

from typing import Literal

from protocols.runtime.exits import DONE
from switch.place import DEMONSTRATION, Place
from switch.shell.orders import order


def key_change(participant: str, /, *, key: Literal["pin", "mac"] = "pin", place: Place = DEMONSTRATION) -> int:
    """Have a running switch change the key that it shares with a participant (0800, DE 70 = 161).

    Parameters
    ----------
    participant
        Who gets the key: an id such as nbk. Its agreement needs a `zmk`, and it must be signed on.
    key
        `pin`: the zone PIN key; `mac`: the key that seals messages.
    """
    order(place.state, do="key-change", participant=participant, key=key)
    print(f"{participant} has a new key")
    return DONE
