"""EC: verify a PIN from another institution (ZPK) by its Visa PVV."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._pin_keys import PVV_VERIFIES, ZPK
from hsm_sim.commands._pvv import pvv_verified
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    return pvv_verified(request, keys, ZPK)


COMMAND = Command(LAYOUTS["EC"], answer, keys=(ZPK, PVV_VERIFIES))
