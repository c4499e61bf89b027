"""M6: make a MAC."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._mac import mac_of, more_follows, rules, state_after
from hsm_sim.keys import GENERATES, Keyring
from protocols.hsm import LAYOUTS, HsmRequest

RULES = rules("key", "key_type", GENERATES)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC; or, when more follows, the state to go on from."""
    if more_follows(request):
        return done(iv=state_after(RULES, request, keys))
    return done(mac=mac_of(RULES, request, keys))


COMMAND = Command(LAYOUTS["M6"], answer, keys=RULES.all())
