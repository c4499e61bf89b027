"""NG: decrypt a PIN under the LMK. Only in the authorised state: this is where a PIN is seen."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._kept import pin_kept
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN in the clear, closed with F, as BA takes it."""
    return done(pin=pin_kept(request.fields, keys) + "F")


COMMAND = Command(LAYOUTS["NG"], answer, needs_authorised=True)
