"""Message types: their class, their function, and which answers which.

The strings are those of ISO 8583:1987 (version digit 0), which is the network's
internal form; a dialect of another version changes the digit on its own border.
What a party does on receiving one belongs to the party.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocols.errors import LocalProtocolError

AUTHORIZATION: Final = "1"
FINANCIAL: Final = "2"
REVERSAL: Final = "4"
RECONCILIATION: Final = "5"
ADMINISTRATIVE: Final = "6"
NETWORK_MANAGEMENT: Final = "8"


class MessageType(NamedTuple):
    """One row: what it is called and what answers it (None: nothing does)."""

    title: str
    answer: str | None = None


MESSAGE_TYPES: Final[Mapping[str, MessageType]] = {
    "0100": MessageType("authorization request", "0110"),
    "0101": MessageType("authorization request repeat", "0110"),
    "0110": MessageType("authorization answer"),
    "0120": MessageType("authorization advice", "0130"),
    "0121": MessageType("authorization advice repeat", "0130"),
    "0130": MessageType("authorization advice answer"),
    "0200": MessageType("financial request", "0210"),
    "0201": MessageType("financial request repeat", "0210"),
    "0210": MessageType("financial answer"),
    "0220": MessageType("financial advice", "0230"),
    "0221": MessageType("financial advice repeat", "0230"),
    "0230": MessageType("financial advice answer"),
    "0400": MessageType("reversal request", "0410"),
    "0401": MessageType("reversal request repeat", "0410"),
    "0410": MessageType("reversal answer"),
    "0420": MessageType("reversal advice", "0430"),
    "0421": MessageType("reversal advice repeat", "0430"),
    "0430": MessageType("reversal advice answer"),
    "0500": MessageType("reconciliation request", "0510"),
    "0510": MessageType("reconciliation answer"),
    "0520": MessageType("reconciliation advice", "0530"),
    "0530": MessageType("reconciliation advice answer"),
    "0600": MessageType("administrative request", "0610"),
    "0610": MessageType("administrative answer"),
    "0620": MessageType("administrative advice", "0630"),
    "0630": MessageType("administrative advice answer"),
    "0800": MessageType("network management request", "0810"),
    "0810": MessageType("network management answer"),
    "0820": MessageType("network management advice"),
}

# The third digit is the function. An odd fourth digit says "I have sent this before".
_REQUEST, _ANSWERS, _ADVICE = "0", "13", "2"


def is_known(mti: str) -> bool:
    """Whether the network has this message type at all; if not, 0620 with 12."""
    return mti in MESSAGE_TYPES


def answer_to(mti: str) -> str:
    """The message type that answers this one, or its repeat.

    >>> answer_to("0100"), answer_to("0101"), answer_to("0421")
    ('0110', '0110', '0430')
    """
    answer = _row(mti).answer
    if answer is None:
        raise LocalProtocolError(f"nothing answers {mti}")
    return answer


def has_answer(mti: str) -> bool:
    """Whether the sender waits for an answer: every known request and advice except 0820.

    >>> has_answer("0420"), has_answer("0110"), has_answer("0820"), has_answer("9999")
    (True, False, False, False)
    """
    row = MESSAGE_TYPES.get(mti)
    return row is not None and row.answer is not None


def of_1987(mti: str) -> str:
    """A message type of any edition as the network calls it: the version is the first digit.

    >>> of_1987("1420")
    '0420'
    """
    return f"0{mti[1:]}"


def repeat_of(mti: str) -> str:
    """The message type under which the same message is sent again.

    >>> repeat_of("0420"), repeat_of("0421")
    ('0421', '0421')
    """
    repeat = f"{mti[:3]}1"
    if repeat not in MESSAGE_TYPES:
        raise LocalProtocolError(f"{mti} has no repeat")
    return repeat


def first_of(mti: str) -> str:
    """The message type of the first sending: what a repeat repeats.

    >>> first_of("0421"), first_of("0420")
    ('0420', '0420')
    """
    return f"{mti[:3]}0"


def is_request(mti: str) -> bool:
    """Function 0: asks, and may be declined. An advice is not a request: it tells.

    >>> is_request("0101"), is_request("0120"), is_request("0110")
    (True, False, False)
    """
    return is_known(mti) and mti[2] == _REQUEST


def is_advice(mti: str) -> bool:
    """Function 2: it has already happened, and can only be acknowledged.

    >>> is_advice("0121"), is_advice("0400")
    (True, False)
    """
    return is_known(mti) and mti[2] == _ADVICE


def is_answer(mti: str) -> bool:
    """Functions 1 and 3: the answer to a request or to an advice.

    >>> is_answer("0110"), is_answer("0430"), is_answer("0100")
    (True, True, False)
    """
    return is_known(mti) and mti[2] in _ANSWERS


def is_repeat(mti: str) -> bool:
    """
    >>> is_repeat("0421"), is_repeat("0420")
    (True, False)
    """
    return is_known(mti) and mti[3] == "1"


def mti_class(mti: str) -> str:
    """The second digit: what the message is about.

    >>> mti_class("0421") == REVERSAL
    True
    """
    return mti[1]


def title(mti: str) -> str:
    """
    >>> title("0421"), title("0999")
    ('reversal advice repeat', 'unknown message type')
    """
    row = MESSAGE_TYPES.get(mti)
    return row.title if row else "unknown message type"


def _row(mti: str) -> MessageType:
    try:
        return MESSAGE_TYPES[mti]
    except KeyError:
        raise LocalProtocolError("no such message type in this network") from None
