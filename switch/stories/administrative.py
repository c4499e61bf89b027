"""The story of an administrative message: 0600 or 0620 in, 0610 or 0630 out.

A peer says that it could not do anything with what it got. It is acknowledged, and people hear of it; no
transaction is touched, nothing is recorded, and what it says of the reason is believed only in our own words.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocols import elements as de
from protocols.codes import APPROVED, RESPONSE_TITLES, known_reason
from protocols.message import Message

#: What is taken; nothing repeats an administrative message.
ADMINISTRATIVE = frozenset({"0600", "0620"})


def administrative(message: Message) -> tuple[Mapping[str, object], bytes]:
    """What the log may say of it, and the acknowledgement."""
    code, said = message.get(de.RESPONSE_CODE), known_reason(message.get(de.REASON) or "")
    facts = {
        "response_code": code if code in RESPONSE_TITLES else None,
        "slug": said.slug if said is not None else None,
    }
    return facts, message.answered({de.RESPONSE_CODE: APPROVED})
