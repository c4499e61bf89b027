"""Ports: whether one is free, and some that are.

Throw-away networks take ports below the range from which the system itself hands out the near
ends of connections (32768 and up on Linux): a port up there may be gone between looking and using.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

FROM, TO = 20_000, 32_000


def is_free(host: str, port: int) -> bool:
    """Whether somebody could listen there now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(names: Iterable[str], host: str = "127.0.0.1") -> dict[str, int]:
    """A free port for each name, none twice. The system's randomness: two demos at once choose apart."""
    candidates = iter(random.SystemRandom().sample(range(FROM, TO), 1000))
    return {name: next(port for port in candidates if is_free(host, port)) for name in names}


def taken(host: str, ports: Mapping[str, int]) -> dict[str, int]:
    """Those of the ports that somebody else has."""
    return {name: port for name, port in ports.items() if not is_free(host, port)}
