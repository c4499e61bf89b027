"""QK: move a PIN under the LMK to another account, for a card that gets a new number and keeps its PIN."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._kept import pin_kept
from hsm_sim.keys import Keyring
from hsm_sim.lmk_pins import under_lmk
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN under the LMK, bound to the new account."""
    return done(pin_under_lmk=under_lmk(keys.lmk, request.fields["new_account"], pin_kept(request.fields, keys)))


COMMAND = Command(LAYOUTS["QK"], answer)
