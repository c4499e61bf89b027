"""DC: verify a PIN from a terminal (TPK) by its Visa PVV."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._verify_pvv import pvv_verified
from hsm_sim.keys import DECRYPTS, VERIFIES, Keyring, KeyRule
from hsm_sim.primitives.des import DOUBLE
from protocols.hsm import LAYOUTS, HsmRequest, codes

TPK = KeyRule("terminal_key", types=("002",), usages=("71", "P0"), modes=DECRYPTS)
PVK = KeyRule(
    "pvk", types=("002",), parity=codes.DESTINATION_PARITY, lengths=(DOUBLE,), usages=("V0", "V2"), modes=VERIFIES
)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    return pvv_verified(request, keys, randomness, TPK, PVK)


COMMAND = Command(LAYOUTS["DC"], answer, keys=(TPK, PVK))
