"""QY: make a dynamic CVV or CVC3, as a card does it: what PM verifies."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._dynamic_cvv import made, rule
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.cards import DYNAMIC_DIGITS

MK = rule("G")


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """Five digits; Visa's three behind two zeros."""
    return done(value=made(MK, request.fields, keys).rjust(DYNAMIC_DIGITS, "0"))


COMMAND = Command(LAYOUTS["QY"], answer, keys=(MK,))
