"""N0: random bytes."""

from hsm_sim.command import Answer, Command, Randomness, checked, done
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """As many as were asked for; 01, its code for a bad length, for none."""
    length = int(request.fields["length"])
    return done(random=randomness(length).decode("latin-1")) if length else checked(False)


COMMAND = Command(LAYOUTS["N0"], answer)
