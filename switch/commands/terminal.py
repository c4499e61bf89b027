"""`payswitch terminal ID`: a terminal in a shop, for testers; a card is inserted, tapped, swiped or typed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from switch.commands._run_party import become
from switch.place import DEMONSTRATION, Place

MODULE = "acquirers.terminals"
WORDS = Parameter(allow_leading_hyphen=True, help="insert CARD purchase 25.00 [pin=right|wrong|none|…] [expect=00] …")


def terminal(
    id_: str,
    /,
    *words: Annotated[str, WORDS],
    script: Path | None = None,
    dial: str | None = None,
    place: Place = DEMONSTRATION,
) -> int:
    """Work at a terminal, and see the conversation with the network; a PIN and a track are never shown.

    A way to read the card (insert, tap, swipe, fallback, type), the card (its number, or nbd/debit/1), what to do
    (purchase, cash, balance, refund, preauth, pin_change, verify) and an amount; or, about what was done last, complete
    or void; or download, for a new terminal key. Without words, a line of them each from standard input.

    Parameters
    ----------
    id_
        The terminal: an id in terminals.toml, such as GULF0001; or list, for all of them and all cards.
    script
        Do the steps of this TOML file; exit code 1 where something else came than a step expects.
    dial
        Speak to this host (host:port, plain TCP) instead of the network's switch.
    """
    options = [
        *(["--script", str(script)] if script is not None else []),
        *(["--dial", dial] if dial is not None else []),
    ]
    return become(place.command(MODULE, id_, *words, *options))
