"""CU: change a PIN: the old one verified by its Visa PVV, the new one's PVV made."""

from hsm_sim.command import Answer, Command, Randomness, checked, done
from hsm_sim.commands._choice import check_choice
from hsm_sim.commands._kept import pin_carried
from hsm_sim.commands._pin_keys import OF_TYPE, PVV_CHANGES
from hsm_sim.commands._pvv import pvv_holds, pvv_of
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The new PVV; or 01 when the old PIN is not the one."""
    fields = request.fields
    old = pin_carried(fields, keys, OF_TYPE)
    pvk = keys.open_des(PVV_CHANGES, fields)
    if not pvv_holds(fields, pvk, old):
        return checked(False)
    new = pin_carried(fields, keys, OF_TYPE, "new_pin_block")
    check_choice(fields, keys, new)
    return done(new_pvv=pvv_of(fields, pvk, new))


COMMAND = Command(LAYOUTS["CU"], answer, keys=(OF_TYPE, PVV_CHANGES))
