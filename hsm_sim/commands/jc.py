"""JC: translate a PIN from a terminal's key (TPK) to the LMK."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._kept import kept_from_block
from hsm_sim.commands._pin_keys import TPK
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN under the LMK."""
    return kept_from_block(request.fields, keys, TPK)


COMMAND = Command(LAYOUTS["JC"], answer, keys=(TPK,))
