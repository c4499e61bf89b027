"""One question on a connection of its own: connect, send a frame, wait for the answer, hang up.

For a person at a command line, who wants to see what comes back and when nothing does, why.
A plain blocking socket is enough. Parties have links (`protocols.runtime.link`).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from protocols.errors import RemoteProtocolError
from protocols.framing import framing_named
from protocols.runtime.tls import Credentials, HandshakeError, wrapped
from protocols.runtime.tls_words import in_words, is_about_certificates

CONNECT_WITHIN_S = 5.0
READ_SIZE = 64 * 1024


class CannotConnectError(Exception):
    """Nobody listens there, or nobody lets us in."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The frames that came, or why none did."""

    frames: tuple[bytes, ...]
    why_none: str = ""


Secure = Callable[[socket.socket], socket.socket]  # a connection -> the same, secured


def ask_once(
    address: tuple[str, int],
    framing: str,
    frame: bytes,
    timeout_s: float,
    is_answer: Callable[[bytes], bool],
    secure: Secure | None = None,
) -> Heard:
    """Send the frame; what came up to the first answer, or why there is none."""
    spoken = framing_named(framing)
    with connected(address, secure) as connection:
        try:
            connection.sendall(spoken.pack(frame))
            return first_heard(connection, framing, time.monotonic() + timeout_s, is_answer)
        except TimeoutError:
            return Heard((), f"nothing came within {timeout_s:g} s")
        except OSError as error:
            if is_about_certificates(error):  # in TLS 1.3 we hear so late that our certificate is refused
                raise CannotConnectError(f"TLS: {in_words(error)}") from None
            return Heard((), f"the connection broke: {error.strerror or error}")
        except RemoteProtocolError as error:
            return Heard((), f"what came cannot be cut into frames: {error.reason}")


def connected(address: tuple[str, int], secure: Secure | None) -> socket.socket:
    """A connection, secured where that is wanted."""
    try:
        connection = socket.create_connection(address, timeout=CONNECT_WITHIN_S)
        return connection if secure is None else secure(connection)
    except HandshakeError as error:
        raise CannotConnectError(f"TLS: {error.reason}") from None
    except OSError as error:
        raise CannotConnectError(error.strerror or str(error)) from None


def secured_by(credentials: Credentials | None, peer: str) -> Secure | None:
    """Mutual TLS with whom the certificate names; None without credentials."""
    return None if credentials is None else lambda connection: wrapped(connection, credentials, peer)


def first_heard(connection: socket.socket, framing: str, deadline: float, is_answer: Callable[[bytes], bool]) -> Heard:
    """Read until an answer is whole; a switch may ask something first (an echo). TimeoutError at the deadline."""
    heard: list[bytes] = []
    framer = framing_named(framing).framer()
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        data = connection.recv(READ_SIZE)
        if not data:
            return Heard((), "the other side hung up")
        heard += framer.feed(data)
        if any(map(is_answer, heard)):
            return Heard(tuple(heard))
