"""PM: verify a dynamic CVV or CVC3. A value has five digits; Visa's three stand at its end."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.commands._dynamic_cvv import made, rule
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest

MK = rule("V")


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    value = made(MK, request.fields, keys)
    return checked(compare_digest(value, request.fields["value"][-len(value) :]))


COMMAND = Command(LAYOUTS["PM"], answer, keys=(MK,))
