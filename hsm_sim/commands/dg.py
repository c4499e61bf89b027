"""DG: make the Visa PVV of a PIN under the LMK."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._choice import check_choice
from hsm_sim.commands._kept import pin_kept
from hsm_sim.commands._pin_keys import PVV_GENERATES_ALONE
from hsm_sim.commands._pvv import pvv_of
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """Four digits."""
    fields = request.fields
    pvk = keys.open_des(PVV_GENERATES_ALONE, fields)
    pin = pin_kept(fields, keys)
    check_choice(fields, keys, pin)
    return done(pvv=pvv_of(fields, pvk, pin))


COMMAND = Command(LAYOUTS["DG"], answer, keys=(PVV_GENERATES_ALONE,))
