"""What DC and EC share: is the PIN in this block the one its PVV stands for?"""

from hmac import compare_digest

from hsm_sim.command import Answer, Randomness, checked
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.pin_translation import FORMATS, Family, des_block, pin_in
from hsm_sim.primitives.pvv import pvv
from protocols.hsm import HsmRequest, codes


def pvv_verified(request: HsmRequest, keys: Keyring, randomness: Randomness, pin_key: KeyRule, pvk: KeyRule) -> Answer:
    """00 when the PIN in the block gives this PVV, 01 when it gives another."""
    fields = request.fields
    code = fields["format"]
    keys.pin_rules.check_format(code)
    if FORMATS[code].family is Family.ISO_2:  # between terminal and chip only: no network carries it
        raise RefusedError(codes.PIN_BLOCK_FORMAT)
    block_key = keys.open_des(pin_key, fields)
    verification_key = keys.open_des(pvk, fields)
    pin = pin_in(code, block_key.decrypt(des_block(fields["pin_block"])), fields["account"])
    expected = pvv(verification_key, fields["account"], fields["pvki"], pin)
    return checked(compare_digest(expected, fields["pvv"]))
