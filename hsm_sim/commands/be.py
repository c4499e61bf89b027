"""BE: is the PIN in another institution's (ZPK) block the one kept under the LMK?"""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._kept import same_as_kept
from hsm_sim.commands._pin_keys import ZPK
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    return same_as_kept(request.fields, keys, ZPK)


COMMAND = Command(LAYOUTS["BE"], answer, keys=(ZPK,))
