"""KY: an issuer script for the card, with MAC and enciphered secret, by the common session keys of EMV."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._script import COMMON, KEYS, scripted
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest

SCHEMES = {"2": COMMON}


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC, and the secret as the card takes it."""
    return scripted(SCHEMES, request.fields, keys)


COMMAND = Command(LAYOUTS["KY"], answer, keys=KEYS)
