"""Elements without which a message cannot be processed, per message type: missing ones answer 30.

What a merchant's contract needs beyond these (DE 42, say) is refused there, with its own reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocols import elements as de
from protocols.message import Message
from switch.request import FACTS, Facts

_MONEY: tuple[int, ...] = FACTS[:7]

MANDATORY: Mapping[str, tuple[int, ...]] = {
    "0100": _MONEY,
    "0120": _MONEY,
    "0200": _MONEY,
    "0220": _MONEY,
    "0400": (*_MONEY, de.ORIGINAL),
    "0420": (*_MONEY, de.ORIGINAL),
    "0500": (de.TRANSMITTED_AT, de.STAN),
    "0520": (de.TRANSMITTED_AT, de.STAN),
    "0800": (de.TRANSMITTED_AT, de.STAN, de.NETWORK_MANAGEMENT_CODE),
}


def missing_element(mti: str, message: Message) -> int | None:
    """The lowest mandatory element that the message lacks, or None."""
    for number in MANDATORY[mti]:
        if number not in message:
            return number
    return None


def is_complete(mti: str, facts: Facts) -> bool:
    """The same question of facts that were read already, for the message types where they are all that is mandatory."""
    return mti[1] != "4" and None not in facts[:7]
