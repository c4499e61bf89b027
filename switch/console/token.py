"""The console's token: who has it may come in. 256 random bits in a file of the switch's folder, for its owner alone.

It is made at the first start and stays; to take everybody's away, delete the file and start again.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from switch.home import SWITCH, TOKEN

BYTES: Final = 32
OWNER_ONLY: Final = 0o600


def own_token(state: Path) -> str:
    """The token of the switch whose state is here; made where there is none."""
    path = state / SWITCH / TOKEN
    with suppress(FileExistsError):
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, OWNER_ONLY)
        with os.fdopen(made, "w") as file:
            file.write(secrets.token_urlsafe(BYTES) + "\n")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW)) as file:
        os.fchmod(file.fileno(), OWNER_ONLY)  # a copy may have come back with other rights
        return file.read().strip()


def address(state: Path, host: str, port: int) -> str | None:
    """What a person opens, the token in it; None where no switch has made one."""
    try:
        token = (state / SWITCH / TOKEN).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return f"http://{host}:{port}/enter?{urlencode({'token': token})}" if token else None
