"""Frames over UDP, as a stream: one frame a datagram, its two-byte length in front, as HSMs take them.

A link over it is a link like any other; a datagram that is lost is a question without an answer, and the
asker's deadline notices. It keeps out what a frame means, and asking again.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable
from typing import Final, TypeVar

import trio

from protocols.runtime.dialer import Dial

LENGTH: Final = 2
DATAGRAM_MAX: Final = 65_535

T = TypeVar("T")


class DatagramStream(trio.abc.Stream):
    """A connected UDP socket: what is sent goes out frame by frame, what comes is handed on as it is."""

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self._sock = sock

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Whole frames, each with its length. Raises BrokenResourceError, also when nobody is there."""
        rest = memoryview(data)
        if not rest:
            await trio.lowlevel.checkpoint()
        while rest:
            end = LENGTH + int.from_bytes(rest[:LENGTH], "big")
            await self._try(self._sock.send(rest[:end]))
            rest = rest[end:]

    async def wait_send_all_might_not_block(self) -> None:
        """A datagram never waits for its reader."""
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """One datagram; one whose length is not what it says is nobody's, and passed over."""
        while True:
            data = await self._try(self._sock.recv(DATAGRAM_MAX))
            if len(data) > LENGTH and int.from_bytes(data[:LENGTH], "big") == len(data) - LENGTH:
                return data

    async def aclose(self) -> None:
        """At once: there is nobody to say goodbye to."""
        self._sock.close()
        await trio.lowlevel.checkpoint()

    @staticmethod
    async def _try(waiting: Awaitable[T]) -> T:
        try:
            return await waiting
        except trio.ClosedResourceError:
            raise
        except OSError as error:
            raise trio.BrokenResourceError(error.strerror or "broken") from error


async def _dialled(host: str, port: int) -> DatagramStream:
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[0]
    sock = trio.socket.socket(family, kind, protocol)
    try:
        await sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return DatagramStream(sock)


dial_udp: Final[Dial] = _dialled  # how to dial: for `keep_dialled`
