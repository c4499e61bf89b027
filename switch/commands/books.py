"""`payswitch books`: what the switch has in its books, transaction by transaction."""

import trio

from protocols.runtime.exits import DONE
from switch.audit import money
from switch.commands._terminal import show_json, show_table
from switch.home import SWITCH
from switch.place import DEMONSTRATION, Place
from switch.shell.books import read_books

COLUMNS = ("issuer", "key", "rrn", "response_code", "state")


def books(*, json: bool = False, place: Place = DEMONSTRATION) -> int:
    """Print the switch's books, while it runs and when it does not.

    Parameters
    ----------
    json
        For machines: an array of {issuer, key, state, amount, currency, rrn, response_code}.
    """
    entries = trio.run(read_books, place.state / SWITCH)
    if json:
        show_json(entries)
        return DONE
    rows = ([entry[column] or "-" for column in COLUMNS] + [charged(entry)] for entry in entries)
    show_table([*COLUMNS, "charged"], rows)
    return DONE


def charged(entry: dict[str, object]) -> str:
    """What the holder pays."""
    amount, currency = entry["amount"], entry["currency"]
    return money(amount, currency) if isinstance(amount, int) and isinstance(currency, str) else "-"
