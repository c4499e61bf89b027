"""The signature of a webhook's letter, and how long the courier waits before it tries again. Pure.

The shop takes the header `Payswitch-Signature: t=SECONDS,v1=HEX`, computes HMAC-SHA256 under its secret over
`SECONDS.BODY`, compares, and refuses what is older than five minutes: a letter that somebody kept is not news.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

HEADER: Final = "Payswitch-Signature"
AGE_MAX_S: Final = 300
WAITS_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)  # the last one again, until
GIVEN_UP_AFTER_S: Final = 72 * 3600.0  # a weekend, and some


def signature(secret: str, body: bytes, at: int) -> str:
    """The header's value.

    >>> value = signature("whsec_example", b"{}", 1_700_000_000)
    >>> value[:16], is_right(value, "whsec_example", b"{}", 1_700_000_100)
    ('t=1700000000,v1=', True)
    >>> is_right(value, "whsec_example", b"[]", 1_700_000_100), is_right(value, "whsec_example", b"{}", 1_800_000_000)
    (False, False)
    """
    return f"t={at},v1={_mac(secret, body, str(at))}"


def is_right(value: str, secret: str, body: bytes, now: int) -> bool:
    """What a shop does with it."""
    parts = dict(part.partition("=")[::2] for part in value.split(","))
    at, mac = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdigit() and mac.isascii()) or abs(now - int(at)) > AGE_MAX_S:
        return False
    return hmac.compare_digest(mac, _mac(secret, body, at))


def _mac(secret: str, body: bytes, at: str) -> str:
    return hmac.digest(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hex()


def wait_s(tries: int) -> float:
    """After so many tries.

    >>> wait_s(1), wait_s(2), wait_s(99)
    (1.0, 5.0, 3600.0)
    """
    return WAITS_S[min(tries, len(WAITS_S)) - 1]
