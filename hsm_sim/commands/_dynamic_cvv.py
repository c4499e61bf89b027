"""What PM and QY share: what a chip puts into its track instead of a CVV: Mastercard's CVC3 or Visa's dCVV.

Nobody publishes the layouts, so this reading of them is ours. Scheme 0 is Visa,
1 Mastercard. `track_data` is Mastercard's static track template as bytes; Visa's
are the expiry date and the service code, seven digits. The version has no effect.
"""

from collections.abc import Mapping

from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.primitives.des import DOUBLE
from hsm_sim.primitives.dynamic_cvv import cvc3, dcvv
from hsm_sim.primitives.emv import card_key, hashed_pan_block, pan_block
from protocols.hsm import codes
from protocols.hsm.fields import is_digits

MASTERCARD = "1"
OPTION_B = "1"
VISA_TRACK = 7  # expiry and service code
ATC_LONGEST = 0xFFFF


def rule(*modes: str) -> KeyRule:
    """The master key that makes (G) or verifies (V) them."""
    return KeyRule("mk", types=("709",), lengths=(DOUBLE,), modes=("C", "N", *modes, "X"))


def made(rule_of: KeyRule, fields: Mapping[str, str], keys: Keyring) -> str:
    """The value of this transaction: five digits of Mastercard, three of Visa."""
    issuer = keys.open_des(rule_of, fields)
    derive = hashed_pan_block if fields["derivation"] == OPTION_B else pan_block
    card = card_key(issuer, derive(fields["pan"], fields["psn"]))
    atc = int(fields["atc"])
    if atc > ATC_LONGEST:
        raise RefusedError(codes.INPUT_DATA)
    track = fields["track_data"]
    if fields["scheme"] == MASTERCARD:
        number = bytes.fromhex(fields["unpredictable_number"])
        return cvc3(card, track.encode("latin-1"), number, atc.to_bytes(2, "big"))
    if len(track) != VISA_TRACK or not is_digits(track):
        raise RefusedError(codes.INPUT_DATA)
    return dcvv(card, fields["pan"], track[:4], track[4:], atc)
