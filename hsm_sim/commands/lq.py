"""LQ: make an HMAC. No layout of it is settled anywhere; this one is ours."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._hmac import hmac_value, rule
from hsm_sim.keys import GENERATES, Keyring
from protocols.hsm import LAYOUTS, HsmRequest

KEY = rule(GENERATES)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The whole HMAC, as long as the hash."""
    return done(mac=hmac_value(KEY, request, keys).decode("latin-1"))


COMMAND = Command(LAYOUTS["LQ"], answer, keys=(KEY,))
