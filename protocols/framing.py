"""Where a message ends: feed bytes, get frames.

A framing is a length header in one of a few spellings. Any cut of the stream gives
the same frames. What is in a frame, and what to do with a peer that cannot frame,
is for others; but a stream that opens like TLS, HTTP or SSH is called by its name, and
one that another framing would fit is told which, because those are nine of ten first
connections that fail (`protocols.recognition`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.recognition import WHOLE_OPENINGS, framing_that_fits, stranger

FRAME_MAX: Final = 8 * 1024  # ten times our longest message; above it is noise, not a message
ALIKE_FROM: Final = 4  # frames behind one another that are worth asking whether they are of one length
ADVISED_ON: Final = 2 * FRAME_MAX  # bytes; enough to see a whole frame, little enough to look at by many framings


@dataclass(frozen=True, slots=True)
class Framing:
    """A length header of `width` bytes.

    `read` finds how long the frame behind the header at an offset is, or None where no number
    is; `write` makes the header of a frame of that length. Whether the number on the wire counts
    its own header is theirs to know. `keep_alive`: a frame of no bytes is a sign of life and not
    a mistake; some banks' hosts send it. `header_length`: so many bytes of each frame come before
    its message type. They stay in the frame, because what to do with them is the dialect's.
    """

    name: str
    title: str
    width: int
    read: Callable[[bytes, int], int | None]
    write: Callable[[int], bytes]
    says_up_to: int  # the longest frame that the header has digits for
    header_length: int = 0
    keep_alive: bool = False
    longest: int = FRAME_MAX  # of a frame; other messages than card messages may be longer

    def framer(self) -> Framer:
        """A fresh reader for one connection."""
        return Framer(self)

    def pack(self, frame: bytes) -> bytes:
        """The frame with its header, ready to send."""
        if 0 < len(frame) <= self.longest:
            return self.write(len(frame)) + frame
        raise self._misfit(frame)

    def pack_all(self, frames: Sequence[bytes]) -> bytes:
        """All the frames with their headers, in one piece. Those of one length share one header."""
        heads: dict[int, bytes] = {}
        for frame in frames:
            if (length := len(frame)) not in heads:
                if not 0 < length <= self.longest:
                    raise self._misfit(frame)
                heads[length] = self.write(length)
        if len(heads) == 1:
            (head,) = heads.values()
            return head + head.join(frames)
        return b"".join([piece for frame in frames for piece in (heads[len(frame)], frame)])

    def _misfit(self, frame: bytes) -> LocalProtocolError:
        return LocalProtocolError(f"a frame has 1 to {self.longest} bytes, not {len(frame)}")


@dataclass(frozen=True, slots=True)
class FramingFamily:
    """Framings that differ by a number, as in `header(22)`: which numbers, and which of them are usual."""

    name: str
    numbers: range
    usual: tuple[int, ...]
    member: Callable[[int], Framing]


class Framer:
    """Cuts one connection's bytes into frames.

    Frames that were whole before the stream broke are still given out, so that any cut of
    the stream gives the same ones; `broken` then says why there will be no more, and the next
    call raises it. Once broken, always broken.
    """

    __slots__ = ("_framing", "_is_first", "_opening", "_rest", "broken", "signs_of_life")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._rest = b""
        self._is_first = True
        self._opening: bytes | None = b""  # all that came, until it is clear that this is the peer's framing
        self.broken: RemoteProtocolError | None = None
        self.signs_of_life = 0  # frames of no bytes so far: whoever has a clock minds how many come

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not whole yet: the clock on a frame runs while there are some."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole now, in order; RemoteProtocolError when there can be no more."""
        frames: list[bytes] = []
        if self.broken is None:
            if self._opening is not None:
                self._opening += data
            data = self._rest + data
            if self._is_first and data.startswith(WHOLE_OPENINGS):
                # Before there is a fault: `GET ` has a length in BCD, and TLS one in two bytes.
                self.broken = RemoteProtocolError(f"not ISO 8583: {stranger(data)}")
            else:
                self.broken = self._cut(data, frames)
        if self.broken is not None and not frames:
            raise self.broken
        return frames

    def _cut(self, data: bytes, frames: list[bytes]) -> RemoteProtocolError | None:
        """Appends the whole frames and keeps the rest for the next call; what is wrong, if something is."""
        framing = self._framing
        read, width, longest = framing.read, framing.width, framing.longest
        at, have = self._cut_alike(data, frames), len(data)
        while (begin := at + width) <= have:
            length = read(data, at)
            if length is None or not 0 < length <= longest:
                if length != 0 or not framing.keep_alive:
                    fault = self._fault(length, data, at)
                    self._rest, self._opening = b"", None
                    return fault
                self.signs_of_life += 1
            elif begin + length > have:
                break
            else:
                frames.append(data[begin : begin + length])
            at = begin + length
        self._is_first = self._is_first and not frames
        self._rest = data[at:]
        if self._opening is not None and (at == have or len(self._opening) > ADVISED_ON):
            self._opening = None
        return None

    def _cut_alike(self, data: bytes, frames: list[bytes]) -> int:
        """The frames at the beginning, when all that are whole have the first one's header; up to where they reach."""
        framing = self._framing
        width, have = framing.width, len(data)
        if have < width or (length := framing.read(data, 0)) is None or not 0 < length <= framing.longest:
            return 0
        step = width + length
        count = have // step
        end = count * step
        if count < ALIKE_FROM or any(data[place:end:step].count(data[place]) < count for place in range(width)):
            return 0
        frames += [data[at + width : at + step] for at in range(0, end, step)]
        return end

    def _fault(self, length: int | None, data: bytes, at: int) -> RemoteProtocolError:
        """What is wrong with a length; who seems to be speaking, or how."""
        if self._is_first and at == 0 and (spoken := stranger(data)):
            return RemoteProtocolError(f"not ISO 8583: {spoken}")
        self._rest = data[at:]
        return RemoteProtocolError(self._complaint(length) + self.advice())

    def _complaint(self, length: int | None) -> str:
        if length is None:
            return f"a length of {self._framing.name} that is not a number"
        if length > self._framing.longest:
            return f"a frame of {length} bytes, more than {self._framing.longest}"
        return f"a length of {length}, which leaves no frame"

    def advice(self) -> str:
        """What to add to a complaint about a frame that never became whole, if another framing would have fitted.

        >>> framer = framing_named("len2").framer()
        >>> framer.feed(framing_named("len2_incl").pack(b"0800822000000000000004000000000000001123205144000001301"))
        []
        >>> framer.advice()
        '; it looks like len2_incl'
        """
        from protocols import framings  # late: the files of the folder are made of this one

        known = [self._framing, *map(framings.framing, framings.names())]  # of equals the first is taken
        fitting = framing_that_fits((self._opening or self._rest)[:ADVISED_ON], known)
        return f"; it looks like {fitting[0]}" if fitting and fitting[0] != self._framing.name else ""


def framing_named(name: str, *, keep_alive: bool = False, longest: int = FRAME_MAX) -> Framing:
    """
    >>> framing_named("len2").pack(b"0800")
    b'\\x00\\x040800'
    >>> framing_named("len2").framer().feed(b"\\x00\\x040800\\x00")
    [b'0800']
    >>> framing_named("header(22)").header_length
    22
    """
    from protocols import framings  # late: the files of the folder are made of this one

    plain = framings.framing(name)
    if longest > plain.says_up_to:
        raise LocalProtocolError(f"{name} cannot say a length of {longest}")
    return replace(plain, keep_alive=keep_alive, longest=longest)
