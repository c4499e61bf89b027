"""CC: translate a PIN block from one zone's key (ZPK) to another's. The command a switch lives on."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._pin_keys import DESTINATION_ZPK, SOURCE_ZPK
from hsm_sim.commands._translate import translated
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN block under the other ZPK."""
    return translated(request, keys, randomness, SOURCE_ZPK, DESTINATION_ZPK)


COMMAND = Command(LAYOUTS["CC"], answer, keys=(SOURCE_ZPK, DESTINATION_ZPK))
