"""PM: verify what a chip put into its track instead of a CVV: Mastercard's CVC3 or Visa's dCVV.

Nobody publishes the layout, so this reading of it is ours. Scheme 0 is Visa, 1
Mastercard. `track_data` is Mastercard's static track template as bytes; Visa's
are the expiry date and the service code, seven digits. A value has five digits;
Visa's three stand at its end. The version has no effect.
"""

from collections.abc import Mapping
from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring, KeyRule
from hsm_sim.primitives.des import DOUBLE, DesKey
from hsm_sim.primitives.dynamic_cvv import cvc3, dcvv
from hsm_sim.primitives.emv import card_key, hashed_pan_block, pan_block
from protocols.hsm import LAYOUTS, HsmRequest, codes
from protocols.hsm.fields import is_digits

MK = KeyRule("mk", types=("709",), lengths=(DOUBLE,), modes=("C", "N", "V", "X"))
MASTERCARD = "1"
OPTION_B = "1"
VISA_TRACK, VISA_DIGITS = 7, 3  # expiry and service code; of a dCVV
ATC_LONGEST = 0xFFFF


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    fields = request.fields
    issuer = keys.open_des(MK, fields)
    derive = hashed_pan_block if fields["derivation"] == OPTION_B else pan_block
    card = card_key(issuer, derive(fields["pan"], fields["psn"]))
    if int(fields["atc"]) > ATC_LONGEST:
        raise RefusedError(codes.INPUT_DATA)
    if fields["scheme"] == MASTERCARD:
        return checked(compare_digest(_cvc3(card, fields), fields["value"]))
    return checked(compare_digest(_dcvv(card, fields), fields["value"][-VISA_DIGITS:]))


def _cvc3(card: DesKey, fields: Mapping[str, str]) -> str:
    number, atc = bytes.fromhex(fields["unpredictable_number"]), int(fields["atc"]).to_bytes(2, "big")
    return cvc3(card, fields["track_data"].encode("latin-1"), number, atc)


def _dcvv(card: DesKey, fields: Mapping[str, str]) -> str:
    track = fields["track_data"]
    if len(track) != VISA_TRACK or not is_digits(track):
        raise RefusedError(codes.INPUT_DATA)
    return dcvv(card, fields["pan"], track[:4], track[4:], int(fields["atc"]))


COMMAND = Command(LAYOUTS["PM"], answer, keys=(MK,))
