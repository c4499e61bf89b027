"""What a coordinator and a worker say to each other: JSON objects, each behind four bytes of length.

Bounded, and checked to be an object; what is in one is `work`'s and `coordinate`'s. Data only, never code.
"""

from __future__ import annotations

import json
from typing import Any, Final

import trio

LONGEST: Final = 64 * 1024 * 1024  # an hour of a wide mix is some ten megabytes
READ_SIZE: Final = 64 * 1024


class TalkError(Exception):
    """The other side is gone, or does not speak like one of us."""


class Talk:
    """One conversation over any stream. One task reads; several may write."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._rest = bytearray()
        self._turn = trio.Lock()

    async def say(self, **message: Any) -> None:
        """Raises TalkError when nobody listens any more."""
        data = json.dumps(message, separators=(",", ":")).encode()
        async with self._turn:
            try:
                await self._stream.send_all(len(data).to_bytes(4, "big") + data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise TalkError("the other side is gone") from None

    async def hear(self) -> dict[str, Any]:
        """The next message. Raises TalkError at the end, and for what is none."""
        length = int.from_bytes(await self._exactly(4), "big")
        if length > LONGEST:
            raise TalkError(f"a message of {length} bytes")
        try:
            message = json.loads(await self._exactly(length))
        except (ValueError, RecursionError):
            raise TalkError("not a message of ours") from None
        if not isinstance(message, dict):
            raise TalkError("not a message of ours")
        return message

    async def _exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            try:
                data = await self._stream.receive_some(READ_SIZE)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data:
                raise TalkError("the other side is gone")
            self._rest += data
        taken = bytes(self._rest[:count])
        del self._rest[:count]
        return taken

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)
