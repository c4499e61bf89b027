"""GW: make or verify a MAC under DUKPT: X9.19 with TDES, CMAC with AES."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked, done
from hsm_sim.commands._dukpt import base_key, transaction_key
from hsm_sim.commands._mac import digits
from hsm_sim.keys import Keyring
from hsm_sim.primitives import dukpt_aes, dukpt_tdes
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.mac import CMAC, RETAIL, mac, padded
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.macs import MAKES

BDK = base_key("bdk")
# The terminal's own key, and the one that it verifies answers with.
OF_REQUESTS = dukpt_tdes.Purpose.MAC_REQUEST, dukpt_aes.Purpose.MAC_GENERATION
OF_RESPONSES = dukpt_tdes.Purpose.MAC_RESPONSE, dukpt_aes.Purpose.MAC_VERIFICATION
LENGTHS = {"0": 8, "1": 16, "3": 8, "4": 16}  # digits


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC; or 00 or 01."""
    fields = request.fields
    made = fields["mode"] in MAKES
    purposes = OF_RESPONSES if made and keys.settings.dukpt_response_macs else OF_REQUESTS
    key = transaction_key(BDK, fields["ksn"], fields, keys, *purposes)
    message = fields["message"].encode("latin-1")
    whole = mac(key, CMAC, message) if isinstance(key, AesKey) else mac(key, RETAIL, padded(message, 1))
    value = digits(whole)[: LENGTHS[fields["mode"]]]
    return done(mac=value) if made else checked(compare_digest(value, fields["mac"]))


COMMAND = Command(LAYOUTS["GW"], answer, keys=(BDK,))
