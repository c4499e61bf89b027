"""`payswitch up`: the whole network on this machine, one process a party, until it is told to stop."""

from functools import partial

import trio

from protocols.network import load
from protocols.runtime.exits import DONE
from protocols.runtime.party import run
from switch.commands._failing import tell_failure
from switch.commands._terminal import say
from switch.home import start_afresh
from switch.place import BANKING, DEMONSTRATION, STORE, Place, parties_of
from switch.shell.running import alone_in, charges, console_address, provide_certificates, refuse_taken_ports
from switch.shell.supervisor import PartyFailedError, Supervisor, supervise


def up(*, fresh: bool = False, place: Place = DEMONSTRATION) -> int:
    """Bring the whole network up: HSM, issuers, switch and gateways, each a process of its own.

    Prints a line for each party, and one with the word "ready" when every link is signed on; runs
    until Ctrl-C. A party that dies is started again. Logs are in the state folder, under logs/.

    Exit codes: 2 configuration, 3 a port is taken, 78 the journal is damaged.

    Parameters
    ----------
    fresh
        Start with new books: delete the old ones first.
    """
    with alone_in(place.state):
        refuse_taken_ports(place.network)
        if fresh:
            say(f"new books: {len(start_afresh(place.state))} old files deleted")
        if made := provide_certificates(place):
            say(f"new certificates: {', '.join(made)}")
        return run("up", partial(keep_up, place), log_level="WARNING")


async def keep_up(place: Place, stop: trio.Event) -> int:
    """Supervise until told to stop."""
    stages = parties_of(place.network)
    here = load(place.network)
    host, port = here.address("lab")
    doors = f"gateways may connect to {host}:{port}"
    doors += f"; the store on http://{here.host}:{here.ports[STORE]}" if STORE in here.ports else ""
    doors += f"; online banking on http://{here.host}:{here.ports[BANKING]}" if BANKING in here.ports else ""

    async def work(parties: Supervisor) -> int:
        links = "; ".join(parties.remarks) or "every link signed on"
        if (address := console_address(place)) is not None:
            say(f"console: {address}")
        say(f"ready: {sum(map(len, stages))} parties, {links}; {doors}; Ctrl-C stops")
        return await trio.sleep_forever()

    try:
        return await supervise(charges(place, stages, with_tills=False), say, work, stop, when_stopped=DONE)
    except PartyFailedError as failed:
        return tell_failure(failed)
