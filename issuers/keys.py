"""A new key for PIN blocks, sent on the link: 0800 with DE 70 = 161.

What it looks like is `protocols.key_change`'s. The HSM imports it from under the zone master key; it is taken only
where the check value is the one that was sent. Keys for seals are refused: this host makes no seals. From then on
the key stands in the books under the LMK, as an event, and outlives a restart.
"""

from __future__ import annotations

import hmac
from typing import Final, Protocol

from issuers.store import Store
from protocols.errors import LocalProtocolError
from protocols.hsm import HsmAnswer
from protocols.key_change import CHECK_VALUE_LENGTH, Use, offer_of
from protocols.message import Message
from protocols.runtime.hsm_client import HsmDown

CHANGED: Final = "key.changed"
ZPK: Final = "zpk"


class Importer(Protocol):
    """What is asked of an HSM client."""

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer: ...


async def imported(message: Message, zmk: str | None, hsm: Importer | None) -> str | None:
    """The key under the LMK; None where it cannot be taken."""
    offer = offer_of(message)
    if offer is None or offer.use is not Use.PIN or zmk is None or hsm is None:
        return None
    try:
        answer = await hsm.ask("A6", key_type="001", zmk=zmk, key=offer.key, scheme="U")
    except (HsmDown, LocalProtocolError):
        return None
    made = str(answer.fields.get("check_value", ""))[:CHECK_VALUE_LENGTH]
    agrees = hmac.compare_digest(made.upper().encode(), offer.check_value.upper().encode())
    return answer.fields["key"] if answer.done and agrees else None


def last_changed(store: Store) -> str | None:
    """The key of the last change, if there ever was one."""
    found = [one for one in store.events_of((ZPK,), 1) if one.kind == CHANGED]
    return found[0].text if found else None
