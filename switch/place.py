"""Which network, and where its books are kept: the two things every command asks.

It also says how each party of that network is started, because a party is told the same two
things. Starting it is for the shell.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from protocols.network import CONSOLE, load, source, toml_files
from protocols.participant import Role, load_participants


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Place:
    """The network's files and the state of its parties."""

    network: Annotated[
        Path | None, Parameter(help="Folder with the network's files. Without it: the demonstration network.")
    ] = None
    state: Annotated[Path, Parameter(help="Folder where the parties keep their books.")] = Path("var")

    def command(self, module: str, *arguments: str) -> list[str]:
        """The command line that starts a party, or asks it something, about this place."""
        network = [] if self.network is None else ["--network", str(self.network)]
        return [sys.executable, "-m", module, *arguments, *network, "--state", str(self.state)]


DEMONSTRATION = Place()


class Part(StrEnum):
    """What a process of the network is. The value is its Python module."""

    HSM = "hsm_sim"
    ISSUER = "issuers"
    SWITCH = "switch"
    GATEWAY = "acquirers"
    ACQUIRER = "acquirers.hosting"
    STORE = "acquirers.souk"


#: The order of starting: whoever is dialled is there before whoever dials. Stopping goes backwards,
#: so that nothing new arrives while the rest is being finished.
STAGES: tuple[tuple[Part, ...], ...] = (
    (Part.HSM, Part.ISSUER),
    (Part.SWITCH,),
    (Part.GATEWAY, Part.ACQUIRER),
    (Part.STORE,),
)

TITLES = {
    Part.HSM: "hsm",
    Part.ISSUER: "issuer",
    Part.SWITCH: "switch",
    Part.GATEWAY: "gateway",
    Part.ACQUIRER: "acquirer",
    Part.STORE: "souk",
}


@dataclass(frozen=True, slots=True)
class Party:
    """One process of the network.

    >>> str(Party(Part.ISSUER, "nbk")), Party(Part.ISSUER, "nbk").log_name
    ('issuer nbk', 'issuer-nbk.log')
    >>> str(Party(Part.HSM))
    'hsm'
    """

    part: Part
    name: str = ""  # of an issuer or a gateway; the HSM and the switch are alone

    def __str__(self) -> str:
        return f"{TITLES[self.part]} {self.name}".rstrip()

    @property
    def log_name(self) -> str:
        """The file under `logs/` that takes what the party has to say."""
        return f"{str(self).replace(' ', '-')}.log"

    def command(self, place: Place, *more: str) -> list[str]:
        """The command line that runs the party."""
        return place.command(self.part, *filter(None, (self.name,)), *more)


#: The ports of network.toml that the HSM may listen on.
HSM_PORTS = ("hsm", "hsm_tls", "hsm_control")
BANKING = "banking"  # the port of online banking

#: Where internet shops and their buyers come in.
STORE_PORTS = ("store_api", "souk")
STORE = "souk"  # the port of the demonstration's store
STORE_FILE = "souk.toml"


def issuers_here(network: Path | None) -> list[str]:
    """The issuers whose host is ours: those with a file in banks/."""
    return [path.stem for path in toml_files(network, "banks")]


def issuers_elsewhere(network: Path | None) -> list[str]:
    """The issuers of the network that somebody else runs: their books are not ours to read."""
    here = issuers_here(network)
    return [one.id for one in load_participants(network).values() if one.has(Role.ISSUER) and one.id not in here]


def gateways_here(network: Path | None) -> list[str]:
    """The gateways we run: those with a file in gateways/."""
    return [path.stem for path in toml_files(network, "gateways")]


def acquirers_here(network: Path | None) -> list[str]:
    """The acquirers whose agreement says that a host of their own decides, and whose host is ours."""
    if not source(network, "acquirers").is_dir():  # a copy from before there were such hosts
        return []
    files = {path.stem for path in toml_files(network, "acquirers")}
    return [one.id for one in load_participants(network).values() if one.host is not None and one.id in files]


def stores_here(network: Path | None) -> list[str]:
    """The demonstration's store, where the network has its file and its port; it has no name but its own."""
    is_here = source(network, STORE_FILE).is_file() and STORE in load(network).ports
    return [""] if is_here else []


def parties_of(network: Path | None, gateways: Sequence[str] | None = None) -> list[list[Party]]:
    """Every process of a network, stage by stage; only some of the gateways, and no store, if they are named."""
    names = {
        Part.ISSUER: issuers_here(network),
        Part.GATEWAY: gateways_here(network) if gateways is None else list(gateways),
        Part.ACQUIRER: acquirers_here(network),
        Part.STORE: stores_here(network) if gateways is None else [],
    }
    return [[Party(part, name) for part in stage for name in names.get(part, [""])] for stage in STAGES]


def ports_taken_by(network: Path | None) -> dict[str, int]:
    """The fixed ports that the network's own processes will listen on, by name."""
    read = load(network)
    names = [
        *HSM_PORTS,
        BANKING,
        *STORE_PORTS,
        *([CONSOLE] if read.console is not None else []),
        *issuers_here(network),
        *(listener.port for listener in read.listeners),
    ]
    return {name: read.ports[name] for name in dict.fromkeys(names) if name in read.ports}
