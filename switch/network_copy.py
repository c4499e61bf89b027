"""Copies of a network: one to edit (`init`), and throw-away ones on other ports (`demo`, tests).

Files in, files out. Comments survive, because a copy is for people to read. Which ports are
free is not known here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from protocols.network import OPTIONAL, PARTS, NetworkError, source

PORT_LINE = re.compile(r"^(?P<name>[A-Za-z0-9_-]+)(?P<equals>\s*=\s*)(?P<number>[0-9]+)")
TABLE_LINE = re.compile(r"^\s*\[(?P<name>[^\[\]]+)\]")

DATA_SUFFIXES: Final = (".toml", ".json")


def copy_network(origin: Path | None, target: Path) -> list[str]:
    """Lay copies of all the network's files side by side in `target`; the names of what was copied.

    NetworkError when there is something in the way: nobody's edits are overwritten.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise NetworkError([f"{target}: is there already, and not an empty folder"])
    target.mkdir(parents=True, exist_ok=True)
    parts = [part for part in PARTS if part not in OPTIONAL or source(origin, part).exists()]
    for part in parts:
        copy_part(source(origin, part), target / part)
    return parts


def copy_part(origin: Path, target: Path) -> None:
    """One file, or the TOML and JSON files of one folder; a party's code does not come along."""
    if origin.is_dir():
        target.mkdir()
        for path in sorted(origin.iterdir()):
            if path.suffix in DATA_SUFFIXES:
                shutil.copyfile(path, target / path.name)
    elif origin.is_file():
        shutil.copyfile(origin, target)
    else:
        raise NetworkError([f"{origin}: no such file or folder"])


def renumber(directory: Path, ports: Mapping[str, int]) -> None:
    """Give the named ports of a copied network other numbers."""
    path = directory / "network.toml"
    path.write_text(renumbered(path.read_text(encoding="utf-8"), ports), encoding="utf-8")


def renumbered(text: str, ports: Mapping[str, int]) -> str:
    """network.toml with other numbers in its table of ports, and nothing else changed.

    >>> renumbered("name = 1\\n[ports]\\nlab = 8583 # gateways\\n[listeners.lab]\\nlab = 7\\n", {"lab": 20001})
    'name = 1\\n[ports]\\nlab = 20001 # gateways\\n[listeners.lab]\\nlab = 7\\n'
    """
    table, lines = "", []
    for line in text.splitlines(keepends=True):
        if opened := TABLE_LINE.match(line):
            table = opened["name"].strip()
        elif table == "ports":
            line = PORT_LINE.sub(lambda found: _with_number(found, ports), line)
        lines.append(line)
    return "".join(lines)


def _with_number(found: re.Match[str], ports: Mapping[str, int]) -> str:
    return f"{found['name']}{found['equals']}{ports.get(found['name'], int(found['number']))}"
