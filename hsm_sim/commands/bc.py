"""BC: is the PIN in a terminal's (TPK) block the one kept under the LMK?"""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._kept import same_as_kept
from hsm_sim.commands._pin_keys import TPK
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    return same_as_kept(request.fields, keys, TPK)


COMMAND = Command(LAYOUTS["BC"], answer, keys=(TPK,))
