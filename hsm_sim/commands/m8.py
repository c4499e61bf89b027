"""M8: verify a MAC."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked, done
from hsm_sim.commands._mac import KEY, mac_of, more_follows, state_after
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01; or, when more follows, the state to go on from."""
    if more_follows(request):
        return done(iv=state_after(request, keys))
    return checked(compare_digest(mac_of(request, keys), request.fields["mac"]))


COMMAND = Command(LAYOUTS["M8"], answer, keys=(KEY,))
