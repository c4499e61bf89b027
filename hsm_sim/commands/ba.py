"""BA: encrypt a clear PIN under the LMK. Only in the authorised state: this is where a PIN is seen."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring
from hsm_sim.lmk_pins import under_lmk
from hsm_sim.pin_blocks import check_length
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN under the LMK."""
    pin = request.fields["pin"].rstrip("F")
    check_length(pin)
    return done(pin_under_lmk=under_lmk(keys.lmk, request.fields["account"], pin))


COMMAND = Command(LAYOUTS["BA"], answer, needs_authorised=True)
