"""The seal of a message: its authentication code (MAC), and which bytes it covers.

The MAC is the last element: DE 64, or DE 128 where there is a second bitmap. It covers every byte of the
message before itself, as it is on the wire: message type, bitmaps with the MAC's own bit set, elements. What
comes before the message (length, header) is the link's and is not covered. So it is made anew for every link,
and is right for the bytes that were received or for none.

Which key, and by which algorithm, is agreed with a participant; both ends have the arithmetic elsewhere (an HSM,
or a test's own). A MAC of eight digits stands at the front of the element, zeros behind it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocols import mti
from protocols.border import Border, Immigrant
from protocols.dialect import Dialect
from protocols.elements import EXTENDED_BITMAP, MAC, MAC_2
from protocols.message import Message

DIGITS: Final = 16  # of the element


class Seal(NamedTuple):
    """A MAC as it came, sixteen hex digits, and the bytes it should be of."""

    covered: bytes
    mac: str


def seal_of(message: Message) -> Seal | None:
    """The seal that a message came with; None where it has none, or has it in the wrong place."""
    received = message.received if isinstance(message, Immigrant) else message
    place = _place(received)
    raw = received.raw(place)
    if raw is None or (place == MAC_2 and MAC in received):
        return None
    return Seal(received.frame[: -len(raw)], received.get(place) or "")


class Unsealed:
    """A frame that is ready but for its seal: `covered` is what the MAC is to be of."""

    __slots__ = ("_message", "_place", "covered", "mti", "stan")

    def __init__(self, dialect: Dialect, frame: bytes) -> None:
        """`frame`: a whole one of this dialect, with its header. A seal that it already has is another link's."""
        spoken = dialect.foreign if isinstance(dialect, Border) else dialect
        message = spoken.decode(frame)
        self._place = _place(message)
        other = MAC if self._place == MAC_2 else MAC_2
        message = spoken.decode(message.patched({self._place: "0" * DIGITS, other: None}))
        self._message = message
        self.mti = mti.of_1987(message.mti)
        self.stan = message.stan
        self.covered = message.frame[: -len(message.raw(self._place) or b"")]

    def sealed(self, mac: str) -> bytes:
        """The frame with its seal; `mac` is eight or sixteen hex digits."""
        return self._message.patched({self._place: mac.ljust(DIGITS, "0")})


def _place(message: Message) -> int:
    """The last bit of the last bitmap that the message needs."""
    second = any(number > EXTENDED_BITMAP and number != MAC_2 for number in message.numbers())
    return MAC_2 if second or MAC_2 in message else MAC
