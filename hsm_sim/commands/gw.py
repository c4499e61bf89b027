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
DES_PURPOSE, AES_PURPOSE = dukpt_tdes.Purpose.MAC_REQUEST, dukpt_aes.Purpose.MAC_GENERATION
LENGTHS = {"0": 8, "1": 16, "3": 8, "4": 16}  # digits


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The MAC; or 00 or 01."""
    fields = request.fields
    key = transaction_key(BDK, fields["ksn"], fields, keys, DES_PURPOSE, AES_PURPOSE)
    message = fields["message"].encode("latin-1")
    whole = mac(key, CMAC, message) if isinstance(key, AesKey) else mac(key, RETAIL, padded(message, 1))
    value = digits(whole)[: LENGTHS[fields["mode"]]]
    return done(mac=value) if fields["mode"] in MAKES else checked(compare_digest(value, fields["mac"]))


COMMAND = Command(LAYOUTS["GW"], answer, keys=(BDK,))
