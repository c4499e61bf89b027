"""`payswitch acquirer NAME`: an acquirer's own host, its settlement lines; its merchants boarded, changed, closed."""

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from protocols.network import read_toml
from protocols.runtime.exits import DONE, MISCONFIGURED
from switch.commands._run_party import become
from switch.commands._terminal import complain, say
from switch.place import DEMONSTRATION, Part, Party, Place, acquirers_here
from switch.shell.orders import order as give_order

ORDER = Parameter(allow_leading_hyphen=True, help="lines [--date YYYY-MM-DD] [--json], merchants, board …, close …")
MERCHANTS = ("merchants", "board", "close")


def acquirer(
    name: str,
    /,
    *order: Annotated[str, ORDER],
    terminal: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    tenant: tuple[str, ...] = (),
    contract: Path | None = None,
    place: Place = DEMONSTRATION,
) -> int:
    """Run an acquirer's own host until it is told to stop; with words behind its name, see or change its books.

    `lines` prints what each merchant and each tenant is owed. `merchants` prints the contracts as the running switch
    holds them; `board MERCHANT` adds terminals and tenants, or with --contract a whole merchant; `close MERCHANT` ends
    it. What is boarded is in force at once, and after a restart. The host is asked where the agreement says `host`.

    Parameters
    ----------
    name
        The acquirer: the name of a file in acquirers/, such as nbd.
    terminal
        Of board: a terminal (DE 41) that the merchant gets. Repeatable.
    without
        Of board: a terminal that is closed. Repeatable.
    tenant
        Of board: a tenant of its own settlement line (DE 48.37), ID=NAME. Repeatable.
    contract
        Of board: a file with the contract, a [[merchant]] as in merchants.toml; or with some of its lines.
    """
    what = order[0] if order else ""
    if what not in MERCHANTS:
        return become(Party(Part.ACQUIRER, name).command(place, *order))
    if what == "merchants":
        say(json.dumps(give_order(place.state, do="merchant-list", acquirer=name)["merchants"], indent=1))
        return DONE
    if len(order) != 2:
        complain(f"{what}: which merchant?")
        return MISCONFIGURED
    if what == "close":
        give_order(place.state, do="merchant-close", acquirer=name, merchant=order[1])
        return DONE
    tenants = dict(one.partition("=")[::2] for one in tenant)
    asked: dict[str, Any] = {"terminals": terminal, "without": without, "tenants": tenants}
    if contract is not None:
        asked["contract"] = _contract(contract)
    give_order(place.state, do="merchant-board", acquirer=name, merchant=order[1], **asked)
    if name in acquirers_here(place.network):
        return _board_at_the_host(name, order[1], terminal, tenants, place)
    return DONE


def _contract(path: Path) -> Any:
    """One merchant of a file in the manner of merchants.toml."""
    document = read_toml(path)
    listed = document.get("merchant")
    return listed[0] if isinstance(listed, list) and listed else document


def _board_at_the_host(
    name: str, merchant: str, terminals: tuple[str, ...], tenants: dict[str, str], place: Place
) -> int:
    """The acquirer's own host keeps books of its own: it is told the same."""
    told = [f"--terminal={one}" for one in terminals] + [f"--tenant={id_}={said}" for id_, said in tenants.items()]
    for option in told:
        done = subprocess.run(place.command(Part.ACQUIRER, name, "board", merchant, option), check=False)
        if done.returncode:
            return done.returncode
    return DONE
