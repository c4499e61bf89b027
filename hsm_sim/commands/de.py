"""DE: make the IBM offset of a PIN under the LMK."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._choice import check_choice, check_offset_length
from hsm_sim.commands._kept import pin_kept
from hsm_sim.commands._offset import minimum, offset_for, warning
from hsm_sim.commands._pin_keys import IBM_GENERATES_ALONE
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The offset; with 02 where the PVK is not of single length."""
    fields = request.fields
    pvk = keys.open_des(IBM_GENERATES_ALONE, fields)
    pin = pin_kept(fields, keys)
    check_offset_length(minimum(fields), pin)
    check_choice(fields, keys, pin)
    return Answer(warning(pvk), {"offset": offset_for(fields, keys, pvk, pin)})


COMMAND = Command(LAYOUTS["DE"], answer, keys=(IBM_GENERATES_ALONE,))
