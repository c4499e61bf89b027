"""KQ: verify an ARQC (or TC, or AAC) and make the ARPC, for VIS (CVN 10) and M/Chip.

Modes 3 and 4 verify a MAC of the issuer's discretionary data besides; what
exactly a device takes for it is not published, so this is our reading.
"""

from hmac import compare_digest

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._emv import MCHIP, MK_AC, MK_SMI, VIS, Fields, card_key, cryptogram, octets, wrong
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from hsm_sim.primitives import emv
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.emv import DISCRETIONARY_MAC, KQ_ANSWERS, KQ_DISCRETIONARY, KQ_VERIFIES

SCHEMES = {"0": VIS, "1": MCHIP}
VIS_ONLY, NO_DATA = "03", "81"
MAC_LENGTH = 4


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 with the ARPC where one was asked for, or 01."""
    fields = request.fields
    mode, scheme = fields["mode"], SCHEMES[fields["scheme"]]
    if mode in KQ_DISCRETIONARY and scheme is not VIS:
        raise RefusedError(VIS_ONLY)
    card = card_key(keys.open_des(MK_AC, fields), octets(fields, "pan_block"))
    session, arqc = scheme.session(card, fields), octets(fields, "arqc")
    if mode in KQ_VERIFIES:
        if not fields["data"]:
            raise RefusedError(NO_DATA)
        refused = wrong(cryptogram(scheme, session, fields, keys), arqc, keys)
        if refused is not None:
            return refused
    if mode in KQ_DISCRETIONARY:
        _check_discretionary_mac(fields, keys)
    if mode not in KQ_ANSWERS:
        return done()
    with_key = session if scheme.answers_with_session else card
    return done(arpc=emv.arpc_of_code(with_key, arqc, octets(fields, "arc")).decode("latin-1"))


def _check_discretionary_mac(fields: Fields, keys: Keyring) -> None:
    """Four bytes under the card's integrity key of this transaction."""
    card = card_key(keys.open_des(MK_SMI, fields), octets(fields, "pan_block"))
    session = emv.visa_session_key(card, octets(fields, "atc"))
    expected = emv.command_mac(session, octets(fields, "discretionary_data"))[:MAC_LENGTH]
    if not compare_digest(expected, octets(fields, "discretionary_mac")):
        raise RefusedError(DISCRETIONARY_MAC)


COMMAND = Command(LAYOUTS["KQ"], answer, keys=(MK_AC, MK_SMI))
