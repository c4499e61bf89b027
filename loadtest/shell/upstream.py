"""The way into the network of an acquirer's host that is scripted: one link, signed on, dialled again when it is lost.

What goes on under which name is `forwarding`'s. What nobody took while the link was away is not answered, as it would
not be by a host whose line is down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import trio

from loadtest.forwarding import Forwarding
from loadtest.script import Acquirer
from protocols.codes import APPROVED, SIGN_ON
from protocols.dialect import Dialect
from protocols.errors import FormatError, RemoteProtocolError
from protocols.framing import Framing
from protocols.message import Message
from protocols.mti import NETWORK_MANAGEMENT, is_answer, mti_class

AGAIN_S: Final = 0.2
READ_SIZE: Final = 64 * 1024
WAITING_MAX: Final = 10_000  # frames for a link that does not take them

PassOn = Callable[[Message, object, Mapping[int, str | None]], None]


class Upstream:
    def __init__(self, acquirer: Acquirer, dialect: Dialect, framing: Framing, pass_on: PassOn) -> None:
        host, _, port = acquirer.upstream.rpartition(":")
        self._address = host.strip("[]"), int(port)
        self._signs_on = acquirer.sign_on
        self._forwarding = Forwarding(acquirer.institution_id)
        self._dialect, self._framing, self._pass_on = dialect, framing, pass_on
        self._out: list[bytes] = []
        self._more = trio.Event()

    def bring(self, message: Message, who: object) -> None:
        """Into the network; `pass_on` gets what it says."""
        if len(self._out) < WAITING_MAX:
            self._send(self._forwarding.onward(message, who, time.time()))

    async def run(self) -> None:
        """Keep the link until cancelled."""
        while True:
            try:
                stream = await trio.open_tcp_stream(*self._address)
            except OSError:
                await trio.sleep(AGAIN_S)
                continue
            try:
                async with stream, trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, stream)
                    await self._read(stream)
                    nursery.cancel_scope.cancel()
            except* (trio.BrokenResourceError, trio.ClosedResourceError, RemoteProtocolError):
                pass
            self._out.clear()
            await trio.sleep(AGAIN_S)

    async def _write(self, stream: trio.SocketStream) -> None:
        if self._signs_on:
            elements = self._forwarding.sign_on(SIGN_ON, time.time())
            self._out.insert(0, self._framing.pack(self._dialect.encode("0800", elements)))
        while True:
            if not self._out:
                self._more = trio.Event()
                await self._more.wait()
            data, self._out = b"".join(self._out), []
            await stream.send_all(data)

    async def _read(self, stream: trio.SocketStream) -> None:
        framer = self._framing.framer()
        while data := await stream.receive_some(READ_SIZE):
            for frame in framer.feed(bytes(data)):
                try:
                    self._heard(self._dialect.decode(frame))
                except FormatError:
                    continue

    def _heard(self, message: Message) -> None:
        if not is_answer(message.mti):
            if mti_class(message.mti) == NETWORK_MANAGEMENT:
                self._send(message.answered({39: APPROVED}))
            return
        found = self._forwarding.back(message)
        if found is not None:
            leg, told = found
            self._pass_on(leg.asked, leg.who, told)

    def _send(self, frame: bytes) -> None:
        self._out.append(self._framing.pack(frame))
        self._more.set()
