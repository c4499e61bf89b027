"""KW: verify an ARQC and make the ARPC, with session keys of EMV: common (CVN 18) or out of the tree of EMV 2000."""

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._emv import COMMON, MK_AC, TREE, Fields, block_by_option_b, card_key, cryptogram, octets, wrong
from hsm_sim.errors import RefusedError
from hsm_sim.keys import Keyring
from hsm_sim.primitives import emv
from hsm_sim.primitives.des import DesKey
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.layouts.emv import KW_BY_CODE, KW_BY_STATUS, KW_OPTION_A, KW_TREE, KW_VERIFIES

NO_DATA = "81"


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """00 with the ARPC where one was asked for, or 01."""
    fields = request.fields
    scheme = TREE if fields["scheme"] in KW_TREE else COMMON
    card = card_key(keys.open_des(MK_AC, fields), _pan_block(fields))
    session, arqc = scheme.session(card, fields), octets(fields, "arqc")
    if fields["mode"] in KW_VERIFIES:
        if not fields["data"]:
            raise RefusedError(NO_DATA)
        refused = wrong(cryptogram(scheme, session, fields, keys), arqc, keys)
        if refused is not None:
            return refused
    return done(**_answer_cryptogram(session, arqc, fields))


def _pan_block(fields: Fields) -> bytes:
    if fields["scheme"] in KW_OPTION_A:
        return octets(fields, "pan_block")
    return block_by_option_b(octets(fields, "pan_psn"))


def _answer_cryptogram(session: DesKey, arqc: bytes, fields: Fields) -> dict[str, str]:
    if fields["mode"] in KW_BY_CODE:
        return {"arpc": emv.arpc_of_code(session, arqc, octets(fields, "arc")).decode("latin-1")}
    if fields["mode"] not in KW_BY_STATUS:
        return {}
    mac = emv.arpc_of_status(session, arqc, octets(fields, "csu"), octets(fields, "proprietary"))
    return {"arpc_mac": mac.decode("latin-1"), "csu": fields["csu"]}


COMMAND = Command(LAYOUTS["KW"], answer, keys=(MK_AC,))
