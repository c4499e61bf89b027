"""Between the switch and a bank: a proxy that knows where a message ends and what its STAN is, and does it harm.

Each fault is a small function: a frame that passes goes in, what happens instead comes out as a list of bytes to send,
seconds to wait, and `CUT`. It has no opinion about what should follow; that is for `recount`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Final

import trio

LENGTH: Final = 2  # bytes of length in front of every message
BEFORE_STAN: Final = {2: -2, 3: 6, 4: 12, 5: 12, 6: 12, 7: 10, 8: 8, 9: 8, 10: 8}  # -2: two digits of length in front
FAR: Final = 500_000  # how far a wrong STAN is off: nobody's who is in flight
HARM: Final = 0.3  # of messages, while a fault lasts

TO_BANK, TO_SWITCH = "to bank", "to switch"


class Cut:
    """The connection ends here."""


CUT: Final = Cut()
Happening = Sequence["bytes | float | Cut"]


def stan_at(message: bytes) -> int | None:
    """Where DE 11 begins in a message in ASCII with a hexadecimal bitmap; None where there is none.

    >>> stan_at(b"0800" + b"8220000000000000" + b"0400000000000000" + b"1123120000" + b"000042" + b"301")
    46
    """
    bits = int(message[4:20], 16)
    if not bits >> (64 - 11) & 1:
        return None
    at = 36 if bits >> 63 else 20
    for number in (number for number in range(2, 11) if bits >> (64 - number) & 1):
        length = BEFORE_STAN[number]
        at += length if length > 0 else 2 + int(message[at : at + 2])
    return at


def with_wrong_stan(message: bytes) -> bytes:
    """The same under a STAN that nobody asked with."""
    at = stan_at(message)
    if at is None:
        return message
    wrong = (int(message[at : at + 6]) + FAR) % 999_999 + 1
    return message[:at] + b"%06d" % wrong + message[at + 6 :]


class Spoiler:
    """One way of one connection, and what is done to what passes there."""

    def __init__(self, way: str, random: Random) -> None:
        self.way, self.random = way, random
        self.held: bytes | None = None

    def whole(self, message: bytes) -> bytes:
        return len(message).to_bytes(LENGTH, "big") + message

    def unlucky(self) -> bool:
        return self.random.random() < HARM


def clean(on: Spoiler, message: bytes) -> Happening:
    held, on.held = on.held, None
    return [on.whole(message), *([on.whole(held)] if held is not None else [])]


def drop(on: Spoiler, message: bytes) -> Happening:
    return [] if on.unlucky() else [on.whole(message)]


def delay(on: Spoiler, message: bytes) -> Happening:
    return [on.random.uniform(0.0, 0.6), on.whole(message)] if on.unlucky() else [on.whole(message)]


def duplicate(on: Spoiler, message: bytes) -> Happening:
    return [on.whole(message)] * (2 if on.unlucky() else 1)


def swap(on: Spoiler, message: bytes) -> Happening:
    """Hold one back, let the next go first."""
    if on.held is None and on.unlucky():
        on.held = message
        return []
    return clean(on, message)


def wrong_stan(on: Spoiler, message: bytes) -> Happening:
    """Only answers: a bank that answers what nobody asked."""
    return [on.whole(with_wrong_stan(message) if on.way == TO_SWITCH and on.unlucky() else message)]


def cut(on: Spoiler, message: bytes) -> Happening:
    """In the middle of a message, now and then."""
    if on.random.random() < HARM / 4:
        whole = on.whole(message)
        return [whole[: on.random.randrange(1, len(whole))], CUT]
    return [on.whole(message)]


def drip(on: Spoiler, message: bytes) -> Happening:
    """Answers at one byte a second."""
    if on.way == TO_BANK:
        return [on.whole(message)]
    return [piece for byte in on.whole(message) for piece in (bytes([byte]), 1.0)]


def half_open(on: Spoiler, message: bytes) -> Happening:
    """The connection looks open, and nothing passes."""
    return []


def deaf(on: Spoiler, message: bytes) -> Happening:
    """While it lasts nothing is read; what was read before still passes."""
    return [on.whole(message)]


FAULTS: Final[Mapping[str, Callable[[Spoiler, bytes], Happening]]] = {
    one.__name__: one for one in (clean, drop, delay, duplicate, swap, wrong_stan, cut, drip, half_open, deaf)
}
#: After these nobody knows how far a stream has come: their connections end when they are healed.
ENDS_LINKS: Final = frozenset({"drip", "half_open", "deaf"})


class Proxy:
    """All connections to one bank. `fault` may be changed from any thread; it counts from the next message on."""

    def __init__(self, bank: str, host: str, near: int, far: int, seed: int) -> None:
        self.bank, self.host, self.near, self.far = bank, host, near, far
        self.random = Random(f"{seed} {bank}")
        self.fault = "clean"
        self.generation = 0  # connections of an earlier one end
        self.passed: dict[str, int] = {}

    def heal(self) -> None:
        """Back to a clean link; connections whose stream is spoilt end."""
        before, self.fault = self.fault, "clean"
        if before in ENDS_LINKS:
            self.generation += 1

    async def serve(self) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._listen)

    async def _listen(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await trio.serve_tcp(self._attend, self.near, host=self.host, task_status=_Started(task_status))

    async def _attend(self, switch: trio.SocketStream) -> None:
        generation = self.generation
        try:
            bank = await trio.open_tcp_stream(self.host, self.far)
        except OSError:
            return  # the bank is not there, and the switch sees its link end
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async with bank, trio.open_nursery() as nursery:
                for source, sink, way in ((switch, bank, TO_BANK), (bank, switch, TO_SWITCH)):
                    nursery.start_soon(self._pump, source, sink, way, nursery.cancel_scope)
                while generation == self.generation:  # noqa: ASYNC110 (another thread counts)
                    await trio.sleep(0.1)
                nursery.cancel_scope.cancel()

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream, way: str, both: trio.CancelScope) -> None:
        on, rest = Spoiler(way, self.random), b""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while True:
                while self.fault == "deaf":  # noqa: ASYNC110 (set by another thread)
                    await trio.sleep(0.05)
                data = await source.receive_some(65536)
                if not data:
                    break
                rest += data
                while len(rest) >= LENGTH and len(rest) >= (end := LENGTH + int.from_bytes(rest[:LENGTH], "big")):
                    message, rest = rest[LENGTH:end], rest[end:]
                    if not await self._pass_on(on, message, sink):
                        break
        both.cancel()

    async def _pass_on(self, on: Spoiler, message: bytes, sink: trio.SocketStream) -> bool:
        """Whether the connection goes on."""
        name = self.fault
        self.passed[name] = self.passed.get(name, 0) + 1
        for happening in FAULTS[name](on, message):
            if isinstance(happening, bytes):
                await sink.send_all(happening)
            elif isinstance(happening, float):
                await trio.sleep(happening)
            else:
                await sink.aclose()
                return False
        return True


class _Started:
    """`serve_tcp` tells its listeners; we tell nobody anything."""

    def __init__(self, status: trio.TaskStatus[None]) -> None:
        self._status = status

    def started(self, value: object = None) -> None:
        self._status.started()
