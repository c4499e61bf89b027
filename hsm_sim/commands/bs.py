"""BS: clear the old LMK of this id: nothing can be moved from it any more, until the next start."""

from dataclasses import replace

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """Done, whether there was one or not."""
    keys.old = None
    keys.lmk = replace(keys.lmk, old=None)
    return done()


COMMAND = Command(LAYOUTS["BS"], answer)
