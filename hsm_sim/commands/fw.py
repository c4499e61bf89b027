"""FW: make the Visa PVV of a PIN in a block that a customer chose at a terminal."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._choice import check_choice
from hsm_sim.commands._kept import pin_carried
from hsm_sim.commands._pin_keys import OF_TYPE, PVV_GENERATES
from hsm_sim.commands._pvv import pvv_of
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """Four digits."""
    fields = request.fields
    pin = pin_carried(fields, keys, OF_TYPE)
    pvk = keys.open_des(PVV_GENERATES, fields)
    check_choice(fields, keys, pin)
    return done(pvv=pvv_of(fields, pvk, pin))


COMMAND = Command(LAYOUTS["FW"], answer, keys=(OF_TYPE, PVV_GENERATES))
