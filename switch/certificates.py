"""The certificates of a network on this machine: who has one, and that it is there and not about to end.

Files in one folder, closed to everybody else: the authority's, the switch's, the HSM's, one of each participant. What
nobody has made is made; what is there is never replaced, but a certificate that ends soon is renewed for the
same key. Where the authority's own key is missing, somebody else signs for this network, and nothing is made.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from protocols.network import load
from protocols.participant import load_participants
from protocols.pki import (
    AUTHORITY,
    HSM,
    SWITCH,
    Credential,
    certificate_file,
    is_due,
    is_issued_by,
    issue,
    key_file,
    make_authority,
    renewed,
)
from protocols.runtime.exits import ConfigurationError
from switch.store.state import FOLDER_MODE, make, prepared, sync_folder


def initialise(folder: Path, network: Path | None, now: datetime) -> list[str]:
    """Make the authority and everybody's certificate; the names. ConfigurationError where anything is there already."""
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} has certificates already: nothing was made, and nothing overwritten")
    return keep_up(folder, network, now)


def keep_up(folder: Path, network: Path | None, now: datetime) -> list[str]:
    """Make what is missing and renew what ends soon; the names of those whose certificate is new."""
    known = load(network)
    if not (folder / certificate_file(AUTHORITY)).exists():
        folder.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _lay(prepared(folder), AUTHORITY, make_authority(known.name, now))
    authority = _authority_in(folder)
    if authority is None:
        return []
    return list(_kept_up(folder, authority, [SWITCH, HSM, *load_participants(network)], known.host, now))


def _kept_up(folder: Path, authority: Credential, names: Iterable[str], host: str, now: datetime) -> Iterable[str]:
    for name in names:
        path = folder / certificate_file(name)
        if not path.exists():
            _lay(folder, name, issue(authority, name, [host], now))
            yield name
        elif _is_ours_and_due(path.read_bytes(), authority, now):
            _replace(path, renewed(authority, path.read_bytes(), now))
            yield name


def _authority_in(folder: Path) -> Credential | None:
    """The authority with its key; None where it signs elsewhere."""
    try:
        key = (folder / key_file(AUTHORITY)).read_bytes()
    except FileNotFoundError:
        return None
    return Credential((folder / certificate_file(AUTHORITY)).read_bytes(), key)


def _is_ours_and_due(certificate: bytes, authority: Credential, now: datetime) -> bool:
    """Whether renewing it is for us to do. What does not read is for a person to look at: TLS will name the file."""
    return is_issued_by(authority.certificate, certificate) and is_due(certificate, now)


def _lay(folder: Path, name: str, made: Credential) -> None:
    """Key first: a certificate that is there has its key beside it. Both 0600, and neither ever overwritten."""
    if (folder / key_file(name)).exists():
        raise ConfigurationError(f"{folder / key_file(name)} has no certificate beside it: put it away, then try again")
    make(folder / key_file(name), made.key)
    make(folder / certificate_file(name), made.certificate)


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all: the switch may read it at any moment."""
    unfinished = path.with_name(f"{path.name}.renewed")
    unfinished.unlink(missing_ok=True)
    make(unfinished, content)
    os.replace(unfinished, path)
    sync_folder(path.parent)
