"""CC: translate a PIN block from one zone's key (ZPK) to another's. The command a switch lives on."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._translate import translated
from hsm_sim.keys import DECRYPTS, ENCRYPTS, Keyring, KeyRule
from protocols.hsm import LAYOUTS, HsmRequest, codes

SOURCE = KeyRule("source_key", types=("001",), modes=DECRYPTS)
DESTINATION = KeyRule("destination_key", types=("001",), parity=codes.DESTINATION_PARITY, modes=ENCRYPTS)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN block under the other ZPK."""
    return translated(request, keys, randomness, SOURCE, DESTINATION)


COMMAND = Command(LAYOUTS["CC"], answer, keys=(SOURCE, DESTINATION))
