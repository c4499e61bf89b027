"""EC: verify a PIN from another institution (ZPK) by its Visa PVV."""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._verify_pvv import pvv_verified
from hsm_sim.keys import DECRYPTS, VERIFIES, Keyring, KeyRule
from hsm_sim.primitives.des import DOUBLE
from protocols.hsm import LAYOUTS, HsmRequest, codes

ZPK = KeyRule("zone_key", types=("001",), modes=DECRYPTS)
PVK = KeyRule(
    "pvk", types=("002",), parity=codes.DESTINATION_PARITY, lengths=(DOUBLE,), usages=("V0", "V2"), modes=VERIFIES
)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    return pvv_verified(request, keys, randomness, ZPK, PVK)


COMMAND = Command(LAYOUTS["EC"], answer, keys=(ZPK, PVK))
