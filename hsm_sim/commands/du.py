"""DU: change a PIN: the old one verified by its IBM offset, the new one's offset made."""

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.commands._choice import check_choice, check_offset_length
from hsm_sim.commands._kept import pin_carried
from hsm_sim.commands._offset import minimum, offset_for, offset_holds, warning
from hsm_sim.commands._pin_keys import IBM_CHANGES, OF_TYPE
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The new offset, with 02 where the PVK is not of single length; or 01 when the old PIN is not the one."""
    fields = request.fields
    old = pin_carried(fields, keys, OF_TYPE)
    pvk = keys.open_des(IBM_CHANGES, fields)
    shortest = minimum(fields)
    if not offset_holds(fields, keys, pvk, old):
        return checked(False)
    new = pin_carried(fields, keys, OF_TYPE, "new_pin_block")
    check_offset_length(shortest, new)
    check_choice(fields, keys, new)
    return Answer(warning(pvk), {"new_offset": offset_for(fields, keys, pvk, new)})


COMMAND = Command(LAYOUTS["DU"], answer, keys=(OF_TYPE, IBM_CHANGES))
