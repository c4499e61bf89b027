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
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

#: Part of a network -> the package that ships it, and where in that package.
PARTS: Mapping[str, tuple[str, str]] = {
    "network.toml": ("protocols", "demonstration/network.toml"),
    "merchants.toml": ("protocols", "demonstration/merchants.toml"),
    "participants": ("protocols", "demonstration/participants"),
    "dialects": ("protocols", "demonstration/dialects"),
    "products": ("switch", "products"),
    "rates.toml": ("switch", "rates.toml"),
    "banks": ("issuers", "banks"),
    "gateways": ("acquirers", "gateways"),
    "acquirers": ("acquirers", "banks"),
    "terminals.toml": ("acquirers", "terminals.toml"),
    "souk.toml": ("acquirers", "souk/souk.toml"),
    "hsm.toml": ("hsm_sim", "hsm.toml"),
}


JOURNAL_RESERVE_MIB = 64  # room for some hundred thousand reversals
JOURNAL_GAP_MAX_MS: Final = 100.0  # a tenth of a second, twice a transaction, is already much
HSM = "hsm"  # the port of the simulated HSM
CONSOLE = "console"  # the port of the switch's own pages
THIS_MACHINE = "127.0.0.1"

#: Parts that a network's folder need not have.
OPTIONAL = frozenset({"dialects", "terminals.toml", "souk.toml"})


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
class Listener:
    """A port of the switch, and how it is known who is at the other end of a link.

    On a plain port it is `participant`, until (and unless) a sign-on names somebody else. On one with
    mutual TLS it is whom the certificate names.
    """

    port: str  # a name of [ports]
    participant: str | None = None  # None: the certificate names it
    may_identify: tuple[str, ...] = ()  # participants that a sign-on may name by DE 32 or 33
    tls: bool = False
    issuers: bool = False  # issuers dial in here; else gateways and acquirers


@dataclass(frozen=True, slots=True)
class Network:
    """A network's name, the host its own ports are on, the number of each named port, who connects where."""

    name: str
    host: str
    ports: Mapping[str, int]
    listeners: tuple[Listener, ...] = ()
    hsms: tuple[str, ...] = ()  # where the switch's HSMs are: names of ports, or host:port; they take turns
    journal_reserve_mib: int = JOURNAL_RESERVE_MIB  # of the journal's disk: new requests leave it for reversals
    console: tuple[str, int] | None = None  # where the switch's own pages are; None: nowhere
    journal_gap_ms: float = 0.0  # between two commits, where many wait: fewer of them, and everybody waits longer

    @property
    def tls_ports(self) -> tuple[str, ...]:
        """The ports of the switch, by name, where a certificate says who is there."""
        return tuple(listener.port for listener in self.listeners if listener.tls)

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


class _ListenerFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    participant: str | None = None
    may_identify: tuple[str, ...] = ()
    tls: bool = False
    issuers: bool = False


class _ConsoleFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: bool = True
    host: str = THIS_MACHINE  # whatever host the other ports are on: who opens it to a network says so here


class _NetworkFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = "network"
    host: str = "127.0.0.1"
    ports: dict[str, Annotated[int, Field(gt=0, lt=65536, strict=True)]] = {}
    listeners: dict[str, _ListenerFile] = {}
    console: _ConsoleFile = _ConsoleFile()
    hsms: tuple[str, ...] | None = None  # None: the port named `hsm`, where there is one
    journal_reserve_mib: Annotated[int, Field(ge=0, strict=True)] = JOURNAL_RESERVE_MIB
    journal_gap_ms: Annotated[float, Field(ge=0, le=JOURNAL_GAP_MAX_MS)] = 0.0


def load(directory: Path | None = None) -> Network:
    """Read network.toml; NetworkError lists everything that is wrong with it."""
    try:
        file = _NetworkFile.model_validate(read_toml(source(directory, "network.toml")))
    except ValidationError as error:
        raise NetworkError(explained("network.toml", error)) from None
    listeners = tuple(
        Listener(port, one.participant, one.may_identify, one.tls, one.issuers) for port, one in file.listeners.items()
    )
    problems = [f"network.toml: listeners.{one.port}: {problem}" for one in listeners for problem in _doubts(one, file)]
    hsms = ((HSM,) if HSM in file.ports else ()) if file.hsms is None else file.hsms
    has_console = file.console.on and CONSOLE in file.ports
    console = (file.console.host, file.ports[CONSOLE]) if has_console else None
    network = Network(
        file.name, file.host, file.ports, listeners, hsms, file.journal_reserve_mib, console, file.journal_gap_ms
    )
    for place in hsms:
        try:
            network.address(place)
        except NetworkError as error:
            problems += [problem.replace("ports:", "hsms:", 1) for problem in error.problems]
    if problems:
        raise NetworkError(problems)
    return network


def _doubts(listener: Listener, file: _NetworkFile) -> list[str]:
    """What makes it unclear where the port is, or who is at the other end of its links."""
    problems = [] if listener.port in file.ports else ["no port has this name"]
    if listener.tls and (listener.participant or listener.may_identify):
        problems.append("with tls the certificate names the participant: leave out participant and may_identify")
    if not listener.tls and listener.participant is None:
        problems.append("participant: who is at the other end? (or tls = true: the certificate says)")
    return problems


def explained(name: str, error: ValidationError) -> list[str]:
    """One line a problem: `file: path: message`. The input is never repeated: it may be a key."""
    return [
        f"{name}: {'.'.join(map(str, detail['loc'])) or 'file'}: {detail['msg']}"
        for detail in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def read_toml(path: Path) -> dict[str, object]:
    """A TOML file's content; NetworkError says which file cannot be read, and why."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NetworkError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetworkError([f"{path}: not TOML: {error}"]) from None


def called(path: Path) -> str:
    """What a problem calls a file of a plural part: `participants/nbk.toml`; three folders may have an nbk.toml."""
    return f"{path.parent.name}/{path.name}"


def toml_files(directory: Path | None, part: str) -> list[Path]:
    """The files of a plural part (participants, products, banks, gateways), in order of name."""
    folder = source(directory, part)
    if not folder.is_dir():
        raise NetworkError([f"{folder}: no such folder"])
    return sorted(folder.glob("*.toml"))
