"""`payswitch cards`: the test cards, and what each is for."""

from typing import Any

from protocols.runtime.exits import DONE
from switch.commands._terminal import show_json, show_table
from switch.place import DEMONSTRATION, Place

COLUMNS = ("issuer", "pan", "product", "expiry", "pin", "state", "limit", "note")


def cards(*, json: bool = False, place: Place = DEMONSTRATION) -> int:
    """List the test cards of all issuers, with number and PIN in clear: they are nobody's.

    Parameters
    ----------
    json
        For machines: an array of {pan, product, expiry, pin, state, limit, note, issuer}.
    """
    import trio

    from switch.shell import ask_party

    found: Any = trio.run(ask_party.cards, place)
    if json:
        show_json(found)
        return DONE
    show_table(COLUMNS, ([card.get(column) or "-" for column in COLUMNS] for card in found))
    return DONE
