"""CK: verify a PIN from a DUKPT terminal by its IBM offset."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._dukpt_pin import pin_sent
from hsm_sim.commands._offset import verdict
from hsm_sim.commands._pin_keys import BDK, IBM_VERIFIES
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00, 02 (the PVK is not of single length) or 01."""
    pin = pin_sent(request.fields, keys)
    return verdict(request.fields, keys, keys.open_des(IBM_VERIFIES, request.fields), pin)


COMMAND = Command(LAYOUTS["CK"], answer, keys=(BDK, IBM_VERIFIES))
