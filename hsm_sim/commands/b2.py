"""B2: echo."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The data, as it came."""
    return done(data=request.fields["data"])


COMMAND = Command(LAYOUTS["B2"], answer)
