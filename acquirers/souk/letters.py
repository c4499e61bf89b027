"""News from the gateway: whether a letter is genuine, and whose payment it is about. Pure.

A letter only says that there is news. How the payment stands is asked of the API afterwards, so letters that come
twice, late or in another order do no harm.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Final

HEADER: Final = "payswitch-signature"
AGE_MAX_S: Final = 300


def about(header: str, body: bytes, secret: str, now: int) -> str | None:
    """The payment's id; None where the letter is not the gateway's, or old.

    >>> body, at = b'{"payment": {"id": "pay_1"}}', 1_700_000_000
    >>> mac = hmac.digest(b"whsec", b"1700000000." + body, "sha256").hex()
    >>> about(f"t={at},v1={mac}", body, "whsec", at + 10), about(f"t={at},v1={mac}", body, "whsec", at + 999)
    ('pay_1', None)
    """
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at, mac = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdigit() and mac.isascii()) or abs(now - int(at)) > AGE_MAX_S:
        return None
    expected = hmac.digest(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hex()
    if not hmac.compare_digest(mac, expected):
        return None
    try:
        return str(json.loads(body)["payment"]["id"])
    except (ValueError, KeyError, TypeError):
        return None
