"""M8: verify a MAC."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked, done
from hsm_sim.commands._mac import mac_of, more_follows, rules, state_after
from hsm_sim.keys import VERIFIES, Keyring
from protocols.hsm import LAYOUTS, HsmRequest

RULES = rules("key", "key_type", VERIFIES)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01; or, when more follows, the state to go on from."""
    if more_follows(request):
        return done(iv=state_after(RULES, request, keys))
    return checked(compare_digest(mac_of(RULES, request, keys), request.fields["mac"]))


COMMAND = Command(LAYOUTS["M8"], answer, keys=RULES.all())
