"""The CAVV: twenty bytes that prove, to whoever has the bank's key, how a holder was authenticated. Pure.

Of them, counted from 1: byte 1 the result, 2 the second factor, 3 which key, 4 and 5 the value, 6 and 7 an
unpredictable number; the rest are zeros here. The value is made like a CVV (host command CW), with the
unpredictable number in place of the expiry date, and result and factor in place of the service code.
It travels in base64, 28 characters (DE 48.43).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from protocols.pan import is_digits

LENGTH: Final = 20
AUTHENTICATED: Final = "0"
ATTEMPTED: Final = "7"
NO_FACTOR: Final = "00"  # the bank was sure without asking
ONE_TIME_CODE: Final = "02"
KEY_INDEX: Final = 1
#: What an indicator of DE 48.42 claims, as the result that must stand behind it. 07 claims nothing.
CLAIMS: Final[Mapping[str, str]] = {"05": AUTHENTICATED, "06": ATTEMPTED}


class Parts(NamedTuple):
    """What is proved, and by what: four digits, three digits, three digits."""

    unpredictable: str
    results: str  # result and second factor
    value: str

    def __repr__(self) -> str:
        return f"<CAVV {self.results}>"


def read(text: str) -> Parts | None:
    """The parts of a CAVV in base64; None where it is not one.

    >>> read("AAIBBRQSNAAAAAAAAAAAAAAAAAA=") == ("1234", "002", "514")
    True
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != LENGTH:
        return None
    results = f"{raw[0] % 10}{raw[1] % 100:02d}"
    value, unpredictable = raw[3:5].hex()[1:], raw[5:7].hex()
    return Parts(unpredictable, results, value) if is_digits(value + unpredictable) else None


def write(parts: Parts) -> str:
    """The CAVV in base64.

    >>> write(Parts("1234", "002", "514"))
    'AAIBBRQSNAAAAAAAAAAAAAAAAAA='
    """
    head = bytes([int(parts.results[0]), int(parts.results[1:]), KEY_INDEX])
    return base64.b64encode(
        (head + bytes.fromhex("0" + parts.value + parts.unpredictable)).ljust(LENGTH, b"\0")
    ).decode()


def bears(parts: Parts, indicator: str | None) -> bool:
    """Whether the CAVV bears what the indicator claims; one that is not stated claims nothing.

    >>> attempt = Parts("1234", "700", "514")
    >>> bears(attempt, "06"), bears(attempt, "05"), bears(attempt, None)
    (True, False, True)
    """
    claimed = CLAIMS.get(indicator or "")
    return claimed is None or parts.results[0] == claimed


def name(token: str, parts: Parts) -> str:
    """Under which name the books know it: of the card's token and of what the value proves, nothing else.

    >>> len(name("token", Parts("1234", "002", "514")))
    32
    """
    return hashlib.sha256("/".join((token, *parts)).encode()).hexdigest()[:32]
