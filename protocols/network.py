"""Where the files of a network lie, and which address each name in them means.

A network is a handful of TOML files. Each party ships those it decides itself; `payswitch
init DIR` lays copies of all of them side by side in one folder, and `--network DIR` makes
every party read that folder instead. What the files say belongs to whoever reads them
(agreements: `protocols.participant`; products: the switch; accounts: the banks).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

#: Part of a network -> the package that ships it, and where in that package.
PARTS: Mapping[str, tuple[str, str]] = {
    "network.toml": ("protocols", "demonstration/network.toml"),
    "merchants.toml": ("protocols", "demonstration/merchants.toml"),
    "participants": ("protocols", "demonstration/participants"),
    "products": ("switch", "products"),
    "rates.toml": ("switch", "rates.toml"),
    "banks": ("issuers", "banks"),
    "gateways": ("acquirers", "gateways"),
    "hsm.toml": ("hsm_sim", "hsm.toml"),
}


class NetworkError(Exception):
    """The network's files cannot be used; `problems` names each, as `file: path: message`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def source(directory: Path | None, part: str) -> Path:
    """Where a part of the network is read from: the given folder, or the package that ships it.

    The package is located, not imported: a party may copy another's files without knowing its code.
    """
    package, inside = PARTS[part]
    if directory is not None:
        return directory / part
    found = find_spec(package)
    if found is None or found.origin is None:
        raise NetworkError([f"{part}: the package {package} that ships it is not installed"])
    return Path(found.origin).parent / inside


@dataclass(frozen=True, slots=True)
class Network:
    """A network's name, the host its own ports are on, and the number of each named port."""

    name: str
    host: str
    ports: Mapping[str, int]

    def address(self, place: str) -> tuple[str, int]:
        """Host and port of a named port of this network, or of a literal `host:port`.

        >>> Network("n", "127.0.0.1", {"lab": 8583}).address("lab")
        ('127.0.0.1', 8583)
        >>> Network("n", "127.0.0.1", {}).address("10.1.2.3:9000")
        ('10.1.2.3', 9000)
        """
        if place in self.ports:
            return self.host, self.ports[place]
        host, colon, port = place.rpartition(":")
        if colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
            return host, int(port)
        raise NetworkError([f"network.toml: ports: no port is named {place!r}, and it is not host:port"])


def load(directory: Path | None = None) -> Network:
    """Read network.toml; NetworkError lists everything that is wrong with it."""
    document = read_toml(source(directory, "network.toml"))
    problems = [f"network.toml: {key}: unknown" for key in document if key not in ("name", "host", "ports")]
    ports = document.get("ports", {})
    if not isinstance(ports, dict):
        problems.append("network.toml: ports: must be a table of name = number")
        ports = {}
    problems += [
        f"network.toml: ports.{name}: {port!r} is not a port number"
        for name, port in ports.items()
        if not isinstance(port, int) or not 0 < port < 65536
    ]
    if problems:
        raise NetworkError(problems)
    return Network(str(document.get("name", "network")), str(document.get("host", "127.0.0.1")), ports)


def read_toml(path: Path) -> dict[str, object]:
    """A TOML file's content; NetworkError says which file cannot be read, and why."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NetworkError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetworkError([f"{path}: not TOML: {error}"]) from None


def toml_files(directory: Path | None, part: str) -> list[Path]:
    """The files of a plural part (participants, products, banks, gateways), in order of name."""
    folder = source(directory, part)
    if not folder.is_dir():
        raise NetworkError([f"{folder}: no such folder"])
    return sorted(folder.glob("*.toml"))
