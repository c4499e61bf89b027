"""DE 90, original data elements: which earlier message a reversal or an advice is about.

Also the booking key, by which the books of switch and issuers are laid side by
side: both ends compute it here, so a difference between books is a difference
between books. Looking the original up belongs to whoever keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocols.errors import FormatError, LocalProtocolError
from protocols.pan import is_digits

LENGTH: Final = 42  # n 42: message type 4, STAN 6, transmission date and time 10, two institutions 11 each
NOT_STATED: Final = "0" * 11


def booking_key(mti: str, stan: str, transmitted_at: str, acquirer_id: str) -> str:
    """The name of one transaction in the books of both ends.

    Only the class of the message type counts: a request, its repeat and its
    stand-in advice are the same transaction. Leading zeros of the institution do
    not count, because DE 32 has none and DE 90 is padded with them.

    >>> booking_key("0101", "000123", "1123205144", "784001")
    '0100/000123/1123205144/784001'
    """
    return f"{mti[:2]}00/{stan}/{transmitted_at}/{acquirer_id.lstrip('0') or '0'}"


@dataclass(frozen=True, slots=True)
class Original:
    """The message that is meant: its type, STAN, DE 7, and the institutions it came through.

    Institutions are held in DE 90's own form, eleven digits; given shorter, they are padded.

    >>> original = Original("0100", "000123", "1123205144", "784001", "784900")
    >>> original.text
    '010000012311232051440000078400100000784900'
    >>> Original.parse(original.text) == original
    True
    >>> original.key
    '0100/000123/1123205144/784001'
    """

    mti: str
    stan: str
    transmitted_at: str
    acquirer_id: str = NOT_STATED
    forwarder_id: str = NOT_STATED

    def __post_init__(self) -> None:
        object.__setattr__(self, "acquirer_id", self.acquirer_id.rjust(11, "0"))
        object.__setattr__(self, "forwarder_id", self.forwarder_id.rjust(11, "0"))
        lengths = tuple(map(len, self._parts))
        if lengths != (4, 6, 10, 11, 11) or not is_digits(self.text):
            raise LocalProtocolError("these parts do not make original data elements")

    @classmethod
    def parse(cls, text: str) -> Original:
        """From DE 90 as a peer sent it; FormatError when it is not 42 digits."""
        if len(text) != LENGTH or not is_digits(text):
            raise FormatError.in_element(90)
        return cls(text[:4], text[4:10], text[10:20], text[20:31], text[31:])

    @property
    def text(self) -> str:
        """DE 90: 42 digits."""
        return "".join(self._parts)

    @property
    def key(self) -> str:
        """The booking key of the original transaction."""
        return booking_key(self.mti, self.stan, self.transmitted_at, self.acquirer_id)

    @property
    def states_institutions(self) -> bool:
        """False when both institutions are all zeros, which means "not stated": match on the rest."""
        return (self.acquirer_id, self.forwarder_id) != (NOT_STATED, NOT_STATED)

    @property
    def _parts(self) -> tuple[str, str, str, str, str]:
        return self.mti, self.stan, self.transmitted_at, self.acquirer_id, self.forwarder_id
