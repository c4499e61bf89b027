"""A new key for PIN blocks, sent on the link: 0800 with DE 70 = 161.

DE 48.11 is the key under the zone master key that both institutions hold, in a scheme of the HSM's; DE 48.12 its
check value, six hex digits. The HSM imports it; it is taken only where the check value is the one that was sent.
From then on it stands in the books under the LMK, as an event, and outlives a restart.
"""

from __future__ import annotations

import hmac
from typing import Final, Protocol

from issuers.store import Store
from protocols.errors import FormatError, LocalProtocolError
from protocols.hsm import HsmAnswer
from protocols.message import Message
from protocols.runtime.hsm_client import HsmDown

CHANGED: Final = "key.changed"
ZPK: Final = "zpk"
KEY: Final = "11"
CHECK_VALUE: Final = "12"
CHECK_VALUE_LENGTH: Final = 6


class Importer(Protocol):
    """What is asked of an HSM client."""

    async def ask(self, command: str, **fields: str | bytes) -> HsmAnswer: ...


async def imported(message: Message, zmk: str | None, hsm: Importer | None) -> str | None:
    """The key under the LMK; None where it cannot be taken."""
    try:
        said = message.subelements
    except FormatError:
        return None
    key, check_value = said.get(KEY), said.get(CHECK_VALUE, "")
    if key is None or zmk is None or hsm is None:
        return None
    try:
        answer = await hsm.ask("A6", key_type="001", zmk=zmk, key=key, scheme="U")
    except (HsmDown, LocalProtocolError):
        return None
    made = str(answer.fields.get("check_value", ""))[:CHECK_VALUE_LENGTH]
    agrees = len(check_value) == CHECK_VALUE_LENGTH and hmac.compare_digest(made.upper(), check_value.upper())
    return answer.fields["key"] if answer.done and agrees else None


def last_changed(store: Store) -> str | None:
    """The key of the last change, if there ever was one."""
    found = [one for one in store.events_of((ZPK,), 1) if one.kind == CHANGED]
    return found[0].text if found else None
