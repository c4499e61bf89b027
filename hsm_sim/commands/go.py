"""GO: verify a PIN from a DUKPT terminal by its IBM offset, and a MAC of the same transaction where one came."""

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.commands._dukpt_pin import mac_holds, pin_sent
from hsm_sim.commands._offset import verdict
from hsm_sim.commands._pin_keys import BDK, IBM_VERIFIES
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00, 02 (the PVK is not of single length) or 01."""
    fields = request.fields
    pin = pin_sent(fields, keys)
    said = verdict(fields, keys, keys.open_des(IBM_VERIFIES, fields), pin)
    return said if mac_holds(fields, keys) else checked(False)


COMMAND = Command(LAYOUTS["GO"], answer, keys=(BDK, IBM_VERIFIES))
