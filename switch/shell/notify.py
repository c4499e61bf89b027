"""A word to systemd, where it started us as `Type=notify`: that we are ready, that we stop.

One datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)). Without one, or where nobody listens there any
more, nothing happens: a switch does not depend on who watches it.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Final

VARIABLE: Final = "NOTIFY_SOCKET"


def tell_supervisor(word: str) -> None:
    """`READY=1`, `STOPPING=1`."""
    path = os.environ.get(VARIABLE, "")
    if not path.startswith(("/", "@")):
        return
    address = f"\0{path[1:]}" if path.startswith("@") else path  # @: a name in the abstract
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection, suppress(OSError):
        connection.setblocking(False)
        connection.sendto(word.encode(), address)
