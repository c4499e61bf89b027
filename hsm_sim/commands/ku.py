"""KU: an issuer script for the card, with MAC and enciphered secret, by Visa and M/Chip."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._script import KEYS, MCHIP, VISA, scripted
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest

SCHEMES = {"0": VISA, "1": MCHIP}


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC, and the secret as the card takes it."""
    return scripted(SCHEMES, request.fields, keys)


COMMAND = Command(LAYOUTS["KU"], answer, keys=KEYS)
