"""What the box remembers over a restart besides its keys: how often it was started, and how often opened.

One small file in the HSM's own folder. Nothing in it is secret. A file that cannot be read is
begun anew, and says so: figures are not worth a box that does not start.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

FILE: Final = "device.json"
FOLDER: Final = "hsm"  # of the state folder


@dataclass(frozen=True, slots=True)
class Device:
    """The box so far. `reboots` counts its starts after the first."""

    reboots: int = 0
    tampers: int = 0


def started(state: Path) -> tuple[Device, bool]:
    """The box as it starts once more, written down; and whether what it remembered could be read."""
    path = state / FOLDER / FILE
    readable = True
    try:
        remembered = json.loads(path.read_text(encoding="utf-8"))
        device = Device(int(remembered["reboots"]) + 1, int(remembered["tampers"]))
    except FileNotFoundError:
        device = Device()
    except (OSError, ValueError, KeyError, TypeError):
        device, readable = Device(), False
    remember(state, device)
    return device, readable


def tampered(state: Path, device: Device) -> Device:
    """Opened once more."""
    device = replace(device, tampers=device.tampers + 1)
    remember(state, device)
    return device


def remember(state: Path, device: Device) -> None:
    """Whole or not at all."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f"{FILE}.new"
    unfinished.write_text(json.dumps(asdict(device)) + "\n", encoding="utf-8")
    os.replace(unfinished, folder / FILE)
