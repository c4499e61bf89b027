"""BA: encrypt a clear PIN under the LMK. Only in the authorised state: this is where a PIN is seen."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from hsm_sim.primitives import lmk_pin
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST
from protocols.hsm import LAYOUTS, HsmRequest, codes


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN under the LMK, one digit longer."""
    pin = request.fields["pin"].rstrip("F")
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST:
        raise RefusedError(codes.PIN_LENGTH)
    return done(pin_under_lmk=lmk_pin.encrypted(keys.lmk.pin_key, request.fields["account"], pin))


COMMAND = Command(LAYOUTS["BA"], answer, needs_authorised=True)
