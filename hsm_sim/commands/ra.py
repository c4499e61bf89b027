"""RA: the LMK leaves the authorised state. Back into it leads the settings file, or the control port."""

from dataclasses import replace

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """What needs the authorised state answers 17 from now on."""
    keys.lmk = replace(keys.lmk, authorised=False)
    return done()


COMMAND = Command(LAYOUTS["RA"], answer)
