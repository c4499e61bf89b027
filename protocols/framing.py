"""Where a message ends: feed bytes, get frames.

A framing is a length header in one of a few spellings. Any cut of the stream gives
the same frames. What is in a frame, and what to do with a peer that cannot frame,
is for others; but a stream that opens like TLS, HTTP or SSH is called by its name,
because that is nine of ten first connections that fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from protocols.errors import LocalProtocolError, RemoteProtocolError

FRAME_MAX: Final = 8 * 1024  # ten times our longest message; above it is noise, not a message

# How other protocols open. TLS comes first with its version because a length may well begin with 0x16.
OPENINGS: Final[tuple[tuple[bytes, str], ...]] = (
    *((bytes((0x16, 0x03, minor)), "TLS") for minor in range(5)),
    *((verb, "HTTP") for verb in (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"CONNECT ", b"PRI * HTTP/2")),
    (b"SSH-", "SSH"),
)
OPENING_LEAST: Final = 2  # fewer bytes than this begin too many things
TLS_RECORD: Final = b"\x16\x03"


@dataclass(frozen=True, slots=True)
class Framing:
    """A length header of `width` bytes. `read` finds the length at an offset, or None where no number is.

    `is_inclusive`: the length counts its own header. `keep_alive`: a length of zero is a sign of life
    and not a mistake; some banks' hosts send it.
    """

    name: str
    title: str
    width: int
    read: Callable[[bytes, int], int | None]
    write: Callable[[int], bytes]
    is_inclusive: bool = False
    keep_alive: bool = False
    longest: int = FRAME_MAX  # of a frame; other messages than card messages may be longer

    def framer(self) -> Framer:
        """A fresh reader for one connection."""
        return Framer(self)

    def pack(self, frame: bytes) -> bytes:
        """The frame with its header, ready to send."""
        if not 0 < len(frame) <= self.longest:
            raise LocalProtocolError(f"a frame has 1 to {self.longest} bytes, not {len(frame)}")
        return self.write(len(frame) + self.header_counted) + frame

    @property
    def header_counted(self) -> int:
        """How many bytes of header the length counts."""
        return self.width if self.is_inclusive else 0


class Framer:
    """Cuts one connection's bytes into frames.

    Frames that were whole before the stream broke are still given out, so that any cut of
    the stream gives the same ones; `broken` then says why there will be no more, and the next
    call raises it. Once broken, always broken.
    """

    __slots__ = ("_framing", "_is_first", "_rest", "broken")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._rest = b""
        self._is_first = True
        self.broken: RemoteProtocolError | None = None

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not whole yet: the clock on a frame runs while there are some."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole now, in order; RemoteProtocolError when there can be no more."""
        frames: list[bytes] = []
        if self.broken is None:
            try:
                self._cut(self._rest + data if self._rest else bytes(data), frames)
            except RemoteProtocolError as broken:
                self.broken, self._rest = broken, b""
        if self.broken is not None and not frames:
            raise self.broken
        return frames

    def _cut(self, data: bytes, frames: list[bytes]) -> None:
        """Appends whole frames, keeps the rest for the next call."""
        if self._is_first:
            self._greet(data)
        framing, width, counted = self._framing, self._framing.width, self._framing.header_counted
        at, have = 0, len(data)
        while at + width <= have:
            length = framing.read(data, at)
            if length is None or not counted < length <= framing.longest + counted:
                self._judge(length, data)
                at += width  # it was a keep-alive
                continue
            end = at + width + length - counted
            if end > have:
                break
            frames.append(data[at + width : end])
            at = end
        self._is_first = self._is_first and not frames
        self._rest = data[at:]

    def _greet(self, data: bytes) -> None:
        """TLS would pass for a length of five thousand: wait for its third byte, and say what it is."""
        if data.startswith(TLS_RECORD) and (spoken := _protocol_of(data[:3])) and len(data) > 2:
            raise RemoteProtocolError(f"not ISO 8583: {spoken}")

    def _judge(self, length: int | None, data: bytes) -> None:
        """Returns for a keep-alive where one is allowed; else says what is wrong."""
        if length == 0 and self._framing.keep_alive:
            return
        spoken = _protocol_of(data) if self._is_first else None
        if spoken:
            raise RemoteProtocolError(f"not ISO 8583: {spoken}")
        if length is None:
            raise RemoteProtocolError(f"a length of {self._framing.name} that is not a number")
        if length > self._framing.longest:
            raise RemoteProtocolError(f"a frame of {length} bytes, more than {self._framing.longest}")
        raise RemoteProtocolError(f"a length of {length}, which leaves no frame")


def framing_named(name: str, *, keep_alive: bool = False, longest: int = FRAME_MAX) -> Framing:
    """
    >>> framing_named("len2").pack(b"0800")
    b'\\x00\\x040800'
    >>> framing_named("len2").framer().feed(b"\\x00\\x040800\\x00")
    [b'0800']
    """
    from protocols import framings  # late: the files of the folder are made of this one

    return replace(framings.framing(name), keep_alive=keep_alive, longest=longest)


def _protocol_of(data: bytes) -> str | None:
    """What other protocol these first bytes begin, as far as they go."""
    for opening, name in OPENINGS:
        if len(data) >= OPENING_LEAST and data[: len(opening)] == opening[: len(data)]:
            return name
    return None
