"""A line: one socket to the target, plain or TLS, non-blocking; one receive and one send for each time we look.

What is read is cut into frames here, because the framer belongs to the connection. When to look is `drive`'s.
"""

from __future__ import annotations

import socket
import ssl
from typing import Final, Protocol

import trio

from protocols.errors import RemoteProtocolError

READ_SIZE: Final = 256 * 1024  # many answers a look
_LATER: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, InterruptedError)


class Cutter(Protocol):
    """Cuts what one connection says into answers."""

    def feed(self, data: bytes) -> list[bytes]: ...


class Cuts(Protocol):
    """A framing, as far as a line needs one."""

    def framer(self) -> Cutter: ...


class Line:
    def __init__(self, index: int, sock: socket.socket, cuts: Cuts) -> None:
        self.index = index
        self.sock = sock
        self.fd = sock.fileno()
        self.gone = trio.Event()
        self.reason = ""  # why it is gone
        self.bytes_in = 0
        self.is_read = True  # False: chaos leaves it unread
        self._framer = cuts.framer()
        self._rest = b""  # what the system has not taken yet
        self._is_tls = isinstance(sock, ssl.SSLSocket)

    @property
    def has_rest(self) -> bool:
        return bool(self._rest)

    def read(self, most: int = READ_SIZE) -> list[bytes]:
        """The frames that are whole now; `close` when there will be no more."""
        try:
            data = self.sock.recv(most)
            while self._is_tls and self.sock.pending():  # type: ignore[attr-defined]
                data += self.sock.recv(most)
        except _LATER:
            return []
        except OSError as error:
            self.close(f"receiving failed: {error.strerror or error}")
            return []
        if not data:
            self.close("closed by the target")
            return []
        self.bytes_in += len(data)
        try:
            return self._framer.feed(data)
        except RemoteProtocolError as error:
            self.close(f"not frames: {error}")
            return []

    def write(self, data: bytes) -> None:
        """Give it to the system, as much as it takes now; the rest waits for `flush`."""
        if self._rest:
            self._rest += data
            return
        self._rest = data
        self.flush()

    def flush(self) -> bool:
        """Try again with what the system would not take; whether nothing is left."""
        try:
            sent = self.sock.send(self._rest)
        except _LATER:
            return False
        except OSError as error:
            self.close(f"sending failed: {error.strerror or error}")
            return False
        self._rest = self._rest[sent:] if sent < len(self._rest) else b""
        return not self._rest

    def half_close(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close("half-closed")

    def close(self, reason: str) -> None:
        """At once; the first reason stays."""
        if self.gone.is_set():
            return
        self.reason = reason
        self.gone.set()
