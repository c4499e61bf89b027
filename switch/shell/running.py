"""A running network: the parties of a place as charges of the supervisor, and one writer a state folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from protocols.network import load
from protocols.runtime.exits import ConfigurationError, UnavailableError
from switch.certificates import keep_up
from switch.configuration import configure
from switch.console.token import address
from switch.home import LOCK, certificate_folder, log_folder
from switch.place import Part, Party, Place, ports_taken_by
from switch.shell.clock import today
from switch.shell.free_ports import taken
from switch.shell.supervisor import Charge


def provide_certificates(place: Place) -> list[str]:
    """Everybody's certificate before anybody starts; the names of those whose certificate is new."""
    if not configure(place.network).uses_tls and "hsm_tls" not in load(place.network).ports:
        return []
    return keep_up(certificate_folder(place.state), place.network, today())


def charges(place: Place, stages: Sequence[Sequence[Party]], *, with_tills: bool) -> list[list[Charge]]:
    """What the supervisor is to keep running; gateways with their tills open, or without."""

    def charge(party: Party) -> Charge:
        has_till = with_tills and party.part is Part.GATEWAY
        command = party.command(place, *(["--till"] if has_till else []))
        return Charge(str(party), command, log_folder(place.state) / party.log_name, has_till)

    return [[charge(party) for party in stage] for stage in stages]


def console_address(place: Place) -> str | None:
    """What a person opens to see the switch's own pages, its token in it; None where it has none, or has not run."""
    console = load(place.network).console
    return None if console is None else address(place.state, *console)


@contextmanager
def alone_in(state: Path) -> Iterator[None]:
    """One network at a time in a state folder. The system lets go of the lock however we end."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"a network is up with its state in {state} already") from None
        yield


def refuse_taken_ports(network: Path | None) -> None:
    """UnavailableError names every port that we would listen on and somebody else has."""
    if found := taken(load(network).host, ports_taken_by(network)):
        listed = ", ".join(f"{port} ({name})" for name, port in found.items())
        raise UnavailableError(f"somebody else listens on port {listed}; is a network up already?")
