"""PIN blocks from the HSM, before a run: each PIN under the LMK (BA), then under the zone's key (JG), side by side.

PINs and keys go to the HSM and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadtest.scenario import Security
from loadtest.shell.personalise import asked, with_hsm
from protocols.pan import Pan
from protocols.runtime.hsm_client import HsmClient


async def pin_blocks(security: Security, pins: Mapping[str, str]) -> dict[str, str]:
    """PAN -> PIN block in hex, for PAN -> PIN. UsageError says what the HSM said."""
    if not pins or security.pin is None or security.hsm is None:
        return {}
    key, block_format = security.pin.zpk, security.pin.format
    found: dict[str, str] = {}

    async def one(hsm: HsmClient, pan: str) -> None:
        account = Pan(pan).account12
        kept = await asked(hsm, "BA", "pin_under_lmk", pin=pins[pan], account=account)
        said = {"format": block_format, "account": account, "pin_under_lmk": kept}
        found[pan] = await asked(hsm, "JG", "pin_block", zone_key=key, **said)

    host, _, port = security.hsm.rpartition(":")
    await with_hsm((host.strip("[]"), int(port)), one, list(pins), security.lmk_id)
    return found
