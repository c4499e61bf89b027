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
    """A length header of `width` bytes.

    `read` finds how long the frame behind the header at an offset is, or None where no number
    is; `write` makes the header of a frame of that length. Whether the number on the wire counts
    its own header is theirs to know. `keep_alive`: a frame of no bytes is a sign of life and not
    a mistake; some banks' hosts send it.
    """

    name: str
    title: str
    width: int
    read: Callable[[bytes, int], int | None]
    write: Callable[[int], bytes]
    keep_alive: bool = False
    longest: int = FRAME_MAX  # of a frame; other messages than card messages may be longer

    def framer(self) -> Framer:
        """A fresh reader for one connection."""
        return Framer(self)

    def pack(self, frame: bytes) -> bytes:
        """The frame with its header, ready to send."""
        if 0 < len(frame) <= self.longest:
            return self.write(len(frame)) + frame
        raise LocalProtocolError(f"a frame has 1 to {self.longest} bytes, not {len(frame)}")


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
            data = self._rest + data
            self.broken = (self._is_first and _tls(data)) or self._cut(data, frames)
        if self.broken is not None and not frames:
            raise self.broken
        return frames

    def _cut(self, data: bytes, frames: list[bytes]) -> RemoteProtocolError | None:
        """Appends the whole frames and keeps the rest for the next call; what is wrong, if something is."""
        framing = self._framing
        read, width, longest = framing.read, framing.width, framing.longest
        at, have = 0, len(data)
        while (begin := at + width) <= have:
            length = read(data, at)
            if length is None or not 0 < length <= longest:
                if length != 0 or not framing.keep_alive:
                    self._rest = b""
                    return self._fault(length, data[at:], is_first=self._is_first and not frames)
                length = 0
            elif begin + length > have:
                break
            else:
                frames.append(data[begin : begin + length])
            at = begin + length
        self._is_first = self._is_first and not frames
        self._rest = data[at:]
        return None

    def _fault(self, length: int | None, data: bytes, *, is_first: bool) -> RemoteProtocolError:
        """What is wrong with a length; at the start of a stream, who seems to be speaking."""
        if is_first and (spoken := _protocol_of(data)):
            return RemoteProtocolError(f"not ISO 8583: {spoken}")
        if length is None:
            return RemoteProtocolError(f"a length of {self._framing.name} that is not a number")
        if length > self._framing.longest:
            return RemoteProtocolError(f"a frame of {length} bytes, more than {self._framing.longest}")
        return RemoteProtocolError(f"a length of {length}, which leaves no frame")


def framing_named(name: str, *, keep_alive: bool = False, longest: int = FRAME_MAX) -> Framing:
    """
    >>> framing_named("len2").pack(b"0800")
    b'\\x00\\x040800'
    >>> framing_named("len2").framer().feed(b"\\x00\\x040800\\x00")
    [b'0800']
    """
    from protocols import framings  # late: the files of the folder are made of this one

    return replace(framings.framing(name), keep_alive=keep_alive, longest=longest)


def _tls(data: bytes) -> RemoteProtocolError | None:
    """TLS would pass for a frame of five thousand bytes, so it is looked for before there is a fault."""
    if len(data) > len(TLS_RECORD) and data.startswith(TLS_RECORD) and _protocol_of(data) == "TLS":
        return RemoteProtocolError("not ISO 8583: TLS")
    return None


def _protocol_of(data: bytes) -> str | None:
    """What other protocol these first bytes begin, as far as they go."""
    for opening, name in OPENINGS:
        if len(data) >= OPENING_LEAST and data[: len(opening)] == opening[: len(data)]:
            return name
    return None
