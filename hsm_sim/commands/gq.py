"""GQ: verify a PIN from a DUKPT terminal by its Visa PVV, and a MAC of the same transaction where one came."""

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.commands._dukpt_pin import mac_holds, pin_sent
from hsm_sim.commands._pin_keys import BDK, PVV_VERIFIES
from hsm_sim.commands._pvv import pvv_holds
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    fields = request.fields
    pin = pin_sent(fields, keys)
    pvk = keys.open_des(PVV_VERIFIES, fields)
    return checked(mac_holds(fields, keys) and pvv_holds(fields, pvk, pin))


COMMAND = Command(LAYOUTS["GQ"], answer, keys=(BDK, PVV_VERIFIES))
