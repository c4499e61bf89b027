"""K2: verify a truncated application cryptogram: only the bits in the bit map came along (chip authentication)."""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, checked
from hsm_sim.commands._emv import COMMON, MCHIP, MK_AC, VIS, block_by_option_b, card_key, cryptogram, octets
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest, codes

SESSIONS = {"0": VIS, "1": MCHIP, "2": COMMON}
OPTION_A = "0"
BITS_LEAST = 8  # fewer would let anybody guess


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 or 01."""
    fields = request.fields
    scheme = SESSIONS[fields["session"]]
    bit_map = int.from_bytes(octets(fields, "bit_map"), "big")
    if bit_map.bit_count() < BITS_LEAST:
        raise RefusedError(codes.INPUT_DATA)
    pan_psn = octets(fields, "pan_psn")
    block = pan_psn[-8:].rjust(8, b"\0") if fields["derivation"] == OPTION_A else block_by_option_b(pan_psn)
    session = scheme.session(card_key(keys.open_des(MK_AC, fields), block), fields)
    expected, given = cryptogram(scheme, session, fields, keys), octets(fields, "cryptogram")
    return checked(compare_digest(_masked(expected, bit_map), _masked(given, bit_map)))


def _masked(value: bytes, bit_map: int) -> bytes:
    return (int.from_bytes(value, "big") & bit_map).to_bytes(8, "big")


COMMAND = Command(LAYOUTS["K2"], answer, keys=(MK_AC,))
