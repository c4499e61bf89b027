"""A new working key on a link: 0800 with DE 70 = 161, in parts.

DE 48.11 is the key under the zone master key that both ends hold, in a scheme of the HSM's or as a key block; DE 48.12
its check value, six hex digits; DE 53 says by its first two digits which key it is to be: 01 (or no DE 53) for PIN
blocks, 02 for seals. Which of the two sends it, and when the new key counts, is the parties' business.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from protocols import elements as de
from protocols.message import Message
from protocols.subelements import SubelementError, pack, parse

KEY: Final = "11"
CHECK_VALUE: Final = "12"
CHECK_VALUE_LENGTH: Final = 6
REST: Final = "0" * 14  # of DE 53


class Use(Enum):
    """What the key is for: its name in agreements, how DE 53 begins, and the HSM's code of its kind."""

    PIN = ("zpk", "01", "001")
    MAC = ("mac_key", "02", "008")

    @property
    def agreed(self) -> str:
        """Its name among the keys of an agreement."""
        return self.value[0]


class Offer(NamedTuple):
    """A key that one end gives the other. `key` is under the ZMK: not clear, and no business of a log's."""

    use: Use
    key: str
    check_value: str

    def elements(self) -> dict[int, str]:
        """As elements of a 0800.

        >>> Offer(Use.MAC, "U" + "0" * 32, "08D7B4").elements()[53]
        '0200000000000000'
        """
        inside = pack({KEY: self.key, CHECK_VALUE: self.check_value})
        return {de.PRIVATE_DATA: inside, de.SECURITY_CONTROL: self.use.value[1] + REST}


def offer_of(message: Message) -> Offer | None:
    """The offer in a 0800; None where there is none that can be read."""
    try:
        inside = parse(message.get(de.PRIVATE_DATA) or "")
    except SubelementError:
        return None
    key, check_value = inside.get(KEY), inside.get(CHECK_VALUE, "")
    kind = (message.get(de.SECURITY_CONTROL) or Use.PIN.value[1])[:2]
    use = next((use for use in Use if use.value[1] == kind), None)
    if not key or use is None or len(check_value) != CHECK_VALUE_LENGTH:
        return None
    return Offer(use, key, check_value)
