"""The options of mutual TLS, for every command that connects to somebody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from protocols.network import Network
from protocols.pki import AUTHORITY, SWITCH, certificate_file, key_file
from switch.home import certificate_folder

if TYPE_CHECKING:  # trio is slow to load, and plain commands do without it
    from protocols.runtime.tls import Credentials

PLAIN_PORT = "lab"


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Tls:
    """Whether to connect by mutual TLS, and with whose certificate."""

    tls: Annotated[bool, Parameter(help="Mutual TLS. Without an address: the network's TLS port.")] = False
    as_: Annotated[str, Parameter(name="--as", help="With --tls: whose certificate to show.")] = "comtrust"
    peer: Annotated[str, Parameter(help="With --tls: whom the other side's certificate must name.")] = SWITCH
    cert: Annotated[Path | None, Parameter(help="A certificate instead, PEM.")] = None
    key: Annotated[Path | None, Parameter(help="Its private key, PEM.")] = None
    ca: Annotated[Path | None, Parameter(help="The authority to trust instead, PEM.")] = None

    def credentials(self, state: Path) -> Credentials | None:
        """What to show and to trust; None without --tls. ConfigurationError where a file cannot be used."""
        if not self.tls:
            return None
        from protocols.runtime.tls import Credentials

        folder = certificate_folder(state)
        return Credentials(
            self.cert or folder / certificate_file(self.as_),
            self.key or folder / key_file(self.as_),
            self.ca or folder / certificate_file(AUTHORITY),
        )

    def port(self, network: Network) -> str:
        """Where to connect when nobody says."""
        return next(iter(network.tls_ports), PLAIN_PORT) if self.tls else PLAIN_PORT


PLAIN = Tls()
