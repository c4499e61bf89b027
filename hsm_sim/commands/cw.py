"""CW: make a CVV, iCVV (service code 999) or CVV2 (service code 000)."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.keys import GENERATES, Keyring, KeyRule
from hsm_sim.primitives.cvv import cvv
from hsm_sim.primitives.des import DOUBLE
from protocols.hsm import LAYOUTS, HsmRequest

CVK = KeyRule("cvk", types=("402",), lengths=(DOUBLE,), usages=("12", "13", "C0"), modes=GENERATES)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """Three digits."""
    fields = request.fields
    return done(cvv=cvv(keys.open_des(CVK, fields), fields["pan"], fields["expiry"], fields["service_code"]))


COMMAND = Command(LAYOUTS["CW"], answer, keys=(CVK,))
