"""DG: the Visa PVV of a PIN under the LMK; an issuer personalises its cards with it."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.keys import GENERATES, Keyring, KeyRule
from hsm_sim.primitives import lmk_pin
from hsm_sim.primitives.des import DOUBLE
from hsm_sim.primitives.pvv import pvv
from protocols.hsm import LAYOUTS, HsmRequest, codes

PVK = KeyRule("pvk", types=("002",), lengths=(DOUBLE,), usages=("V0", "V2"), modes=GENERATES)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """Four digits."""
    fields = request.fields
    pvk = keys.open_des(PVK, fields)
    try:
        pin = lmk_pin.decrypted(keys.lmk.pin_key, fields["account"], fields["pin_under_lmk"])
    except lmk_pin.NoPinUnderLmkError:
        raise RefusedError(codes.PIN_UNDER_LMK) from None
    return done(pvv=pvv(pvk, fields["account"], fields["pvki"], pin))


COMMAND = Command(LAYOUTS["DG"], answer, keys=(PVK,))
