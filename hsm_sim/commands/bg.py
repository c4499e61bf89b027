"""BG: move a PIN from the old LMK to the present one."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from hsm_sim.lmk_pins import from_lmk, under_lmk
from protocols.hsm import LAYOUTS, HsmRequest, codes


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN under the present LMK."""
    fields = request.fields
    if keys.old is None:
        raise RefusedError(codes.USER_STORAGE)
    pin = from_lmk(keys.old.lmk, fields["account"], fields["pin_under_lmk"])
    return done(pin_under_lmk=under_lmk(keys.lmk, fields["account"], pin))


COMMAND = Command(LAYOUTS["BG"], answer)
