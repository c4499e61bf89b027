"""What the PVV commands share: the PVV of a PIN, and whether it is the one that was sent."""

from collections.abc import Mapping
from hmac import compare_digest

from hsm_sim.command import Answer, checked
from hsm_sim.commands._pin_keys import PVV_VERIFIES
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.pin_blocks import account_of, pin_in
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.pvv import pvv
from protocols.hsm import HsmRequest


def pvv_of(fields: Mapping[str, str], pvk: DesKey, pin: str) -> str:
    """Four digits."""
    return pvv(pvk, account_of(fields["account"]), fields["pvki"], pin)


def pvv_verified(request: HsmRequest, keys: Keyring, pin_key: KeyRule) -> Answer:
    """00 when the PIN in the block gives this PVV, 01 when it gives another."""
    fields = request.fields
    keys.pin_rules.check_carried(fields["format"])
    block_key = keys.open(pin_key, fields)
    pvk = keys.open_des(PVV_VERIFIES, fields)
    pin = pin_in(block_key, fields["format"], fields["pin_block"], fields["account"])
    return checked(pvv_holds(fields, pvk, pin))


def pvv_holds(fields: Mapping[str, str], pvk: DesKey, pin: str) -> bool:
    """Whether the PVV that was sent is this PIN's."""
    return compare_digest(pvv_of(fields, pvk, pin), fields["pvv"])
