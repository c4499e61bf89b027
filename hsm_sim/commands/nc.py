"""NC: is the HSM there, and which LMK does it hold?"""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The check value of the LMK asked for, and the firmware."""
    return done(check_value=keys.lmk.check_value, firmware=keys.settings.firmware)


COMMAND = Command(LAYOUTS["NC"], answer)
