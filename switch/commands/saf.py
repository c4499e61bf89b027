"""`payswitch saf list|retry|park`: what a running switch owes its issuers, and what people do about it."""

from typing import Any, Literal

from protocols.runtime.exits import DONE, ConfigurationError
from switch.place import DEMONSTRATION, Place
from switch.shell.orders import order


def saf(
    what: Literal["list", "retry", "park"] = "list",
    issuer: str | None = None,
    stan: str | None = None,
    /,
    *,
    place: Place = DEMONSTRATION,
) -> int:
    """Show what is owed to issuers (store and forward), send it now, or leave it alone.

    Parameters
    ----------
    what
        `list` shows everything owed; `retry` sends one entry now, or all that are parked; `park` leaves one alone.
    issuer
        Whose: an id such as nbk.
    stan
        Which entry: the number that `list` shows.
    """
    if what == "list":
        found = order(place.state, do="saf-list")
        for line in lines(found["owed"], issuer):
            print(line)
        print(f"{found['count']} owed in all")
        return DONE
    if issuer is None or (what == "park" and stan is None):
        raise ConfigurationError("which issuer, and which number? `payswitch saf list` shows them")
    order(place.state, do=f"saf-{what}", issuer=issuer, stan=stan or "")
    print("done")
    return DONE


def lines(owed: list[dict[str, Any]], issuer: str | None) -> list[str]:
    """One line an entry.

    >>> one = {"issuer": "nbk", "stan": "000007", "mti": "0420", "tries": 3, "refusals": 0}
    >>> lines([one | {"parked": False, "owed_s": 12.0}], None)
    ['nbk       000007 0420  tries 3, refused 0, owed for 12 s']
    """
    return [
        f"{one['issuer']:9} {one['stan']} {one['mti']}  tries {one['tries']}, refused {one['refusals']}, "
        f"owed for {one['owed_s']:.0f} s{', PARKED' if one['parked'] else ''}"
        for one in owed
        if issuer in (None, one["issuer"])
    ]
