"""Headers: bytes in front of a message that say where it comes from and goes to.

A TPDU, or a scheme's header of 12 or 22 bytes. It is opaque but for two things: what of it
an answer turns round, and where it states the message's length. How many bytes of a stream
are one frame is the framing's to know; it hands the header up with the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from protocols.errors import LocalProtocolError

LENGTH_MAX: Final = 99
TPDU_LENGTH: Final = 5
BASE_ONE_LENGTH: Final = 22


class Manner(NamedTuple):
    """What is done with a kind of header: how an answer's is made of a request's, and how a length is stated."""

    length: int | None  # None: any
    turned: Callable[[bytes], bytes]
    stated: Callable[[bytes, int], bytes]


def _echoed(header: bytes) -> bytes:
    return header


def _unstated(header: bytes, _length: int) -> bytes:
    return header


def _tpdu_turned(header: bytes) -> bytes:
    """One byte of identification, two of destination, two of origin."""
    return header[:1] + header[3:5] + header[1:3]


def _base_one_turned(header: bytes) -> bytes:
    """Five bytes, three of destination, three of origin, and the rest."""
    return header[:5] + header[8:11] + header[5:8] + header[11:]


def _base_one_stated(header: bytes, length: int) -> bytes:
    """Bytes four and five are the length of header and message together."""
    return header[:3] + length.to_bytes(2, "big") + header[5:]


MANNERS: Final[Mapping[str, Manner]] = {
    "echo": Manner(None, _echoed, _unstated),
    "swap_tpdu": Manner(TPDU_LENGTH, _tpdu_turned, _unstated),
    "swap_base1": Manner(BASE_ONE_LENGTH, _base_one_turned, _base_one_stated),
}


@dataclass(frozen=True, slots=True)
class Header:
    """So many bytes before every message; `own` is what we put there ourselves, zeros if nothing is said.

    >>> Header(5, "swap_tpdu").answering(bytes.fromhex("6000010002"), 30).hex()
    '6000020001'
    >>> Header(2, own=b"XY").own
    b'XY'
    """

    length: int
    on_answer: str = "echo"
    own: bytes = b""

    def __post_init__(self) -> None:
        manner = MANNERS.get(self.on_answer)
        if manner is None:
            raise LocalProtocolError(
                f"a header cannot be answered by {self.on_answer!r}; there are {', '.join(MANNERS)}"
            )
        if not 0 < self.length <= LENGTH_MAX:
            raise LocalProtocolError(f"a header has 1 to {LENGTH_MAX} bytes, not {self.length}")
        if manner.length not in (None, self.length):
            raise LocalProtocolError(f"{self.on_answer} is for headers of {manner.length} bytes, not {self.length}")
        if len(self.own) not in (0, self.length):
            raise LocalProtocolError(f"our own header is {len(self.own)} bytes long, not {self.length}")
        if not self.own:
            object.__setattr__(self, "own", bytes(self.length))

    def opening(self, size: int) -> bytes:
        """Our own header, before a message of so many bytes."""
        return self.kept(self.own, size)

    def answering(self, header: bytes, size: int) -> bytes:
        """The header of the answer, of so many bytes, to a message that had this one."""
        return self.kept(MANNERS[self.on_answer].turned(header), size)

    def kept(self, header: bytes, size: int) -> bytes:
        """The same header before another message."""
        return MANNERS[self.on_answer].stated(header, self.length + size)


#: 22 bytes: their number, header format 1, text format 2, length, destination, origin, and eleven that we leave zero.
BASE_ONE: Final = Header(BASE_ONE_LENGTH, "swap_base1", bytes((BASE_ONE_LENGTH, 1, 2)) + bytes(19))


def swapping(length: int) -> str:
    """How a header of this length is turned round: `swap` in an agreement.

    >>> swapping(5), swapping(22)
    ('swap_tpdu', 'swap_base1')
    """
    for name, manner in MANNERS.items():
        if manner.length == length:
            return name
    raise LocalProtocolError(f"a header of {length} bytes has no origin and destination to swap")
