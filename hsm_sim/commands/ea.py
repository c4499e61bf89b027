"""EA: verify a PIN from another institution (ZPK) by its IBM offset."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._offset import offset_verified
from hsm_sim.commands._pin_keys import IBM_VERIFIES, ZPK
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00, 02 (the PVK is not of single length) or 01."""
    return offset_verified(request, keys, ZPK)


COMMAND = Command(LAYOUTS["EA"], answer, keys=(ZPK, IBM_VERIFIES))
