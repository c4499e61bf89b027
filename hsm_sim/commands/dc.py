"""DC: verify a PIN from a terminal (TPK) by its Visa PVV."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._pin_keys import PVV_VERIFIES, TPK
from hsm_sim.commands._pvv import pvv_verified
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    return pvv_verified(request, keys, TPK)


COMMAND = Command(LAYOUTS["DC"], answer, keys=(TPK, PVV_VERIFIES))
