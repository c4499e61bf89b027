"""EE: derive a PIN from its IBM offset (all zeros: the natural PIN). It comes under the LMK."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._choice import check_offset_length
from hsm_sim.commands._offset import minimum, pin_from, warning
from hsm_sim.commands._pin_keys import IBM_GENERATES_ALONE
from hsm_sim.keys import Keyring
from hsm_sim.lmk_pins import under_lmk
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN under the LMK; with 02 where the PVK is not of single length."""
    fields = request.fields
    pvk = keys.open_des(IBM_GENERATES_ALONE, fields)
    pin = pin_from(fields, keys, pvk)
    check_offset_length(minimum(fields), pin)
    return Answer(warning(pvk), {"pin_under_lmk": under_lmk(keys.lmk, fields["account"], pin)})


COMMAND = Command(LAYOUTS["EE"], answer, keys=(IBM_GENERATES_ALONE,))
