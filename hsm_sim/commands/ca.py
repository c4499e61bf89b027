"""CA: translate a PIN block from a terminal's key (TPK) to a zone's (ZPK)."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._pin_keys import DESTINATION_ZPK, SOURCE_TPK
from hsm_sim.commands._translate import translated
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN block under the ZPK."""
    return translated(request, keys, randomness, SOURCE_TPK, DESTINATION_ZPK)


COMMAND = Command(LAYOUTS["CA"], answer, keys=(SOURCE_TPK, DESTINATION_ZPK))
