"""`len2`, and so many bytes in front of each message that mean something to a card scheme.

The length counts them. Schemes have headers of 12 or 22 bytes; any other number may be named.
"""

from __future__ import annotations

from dataclasses import replace

from protocols.framing import Framing, FramingFamily
from protocols.framings import len2


def _with(length: int) -> Framing:
    title = f"len2 + {length} opaque header bytes"
    return replace(len2.FRAMING, name=f"header({length})", title=title, header_length=length)


FRAMING = FramingFamily(name="header", numbers=range(1, 100), usual=(12, 22), member=_with)
