"""CY: verify a CVV, iCVV or CVV2."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.keys import VERIFIES, Keyring, KeyRule
from hsm_sim.primitives.cvv import cvv
from hsm_sim.primitives.des import DOUBLE
from protocols.hsm import LAYOUTS, HsmRequest

CVK = KeyRule("cvk", types=("402",), lengths=(DOUBLE,), usages=("12", "13", "C0"), modes=VERIFIES)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    fields = request.fields
    expected = cvv(keys.open_des(CVK, fields), fields["pan"], fields["expiry"], fields["service_code"])
    return checked(compare_digest(expected, fields["cvv"]))


COMMAND = Command(LAYOUTS["CY"], answer, keys=(CVK,))
