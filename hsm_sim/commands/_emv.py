"""What the EMV commands share: a card's keys out of an issuer's, and what is said of a cryptogram that is wrong.

Which session key and padding belong to which scheme is one table. Hosts that pad
the data themselves set `cryptogram_padding = "host"`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hmac import compare_digest

from hsm_sim.command import Answer, checked
from hsm_sim.keys import DERIVES, Keyring, KeyRule
from hsm_sim.primitives import emv
from hsm_sim.primitives.des import DOUBLE, DesKey
from protocols.hsm import codes

Fields = Mapping[str, str]
ZEROS_TO_THE_BLOCK, ONE_AND_ZEROS = 1, 2  # paddings of ISO 9797-1
PAN_PSN_HASHED = 10  # bytes: a PAN of more than 16 digits with its sequence number has as many or more


def master_key(field: str, key_type: str, parity: str = codes.SOURCE_PARITY) -> KeyRule:
    """The rule for an issuer's master key."""
    return KeyRule(field, types=(key_type,), parity=parity, lengths=(DOUBLE,), modes=DERIVES)


MK_AC = master_key("mk_ac", "109")
MK_SMI = master_key("mk_smi", "209", codes.DESTINATION_PARITY)


def octets(fields: Fields, name: str) -> bytes:
    """A field of bytes."""
    return fields[name].encode("latin-1")


@lru_cache(maxsize=4096)  # cards come again, and a key costs ten times what it does
def card_key(issuer_key: DesKey, block: bytes) -> DesKey:
    """The card's master key, by option A, or by B with the block that option B makes."""
    return emv.card_key(issuer_key, block)


def block_by_option_b(pan_psn: bytes) -> bytes:
    """The PAN block by option B of PAN and sequence number, two digits a byte."""
    if len(pan_psn) < PAN_PSN_HASHED:
        return pan_psn[-8:].rjust(8, b"\0")
    digits = pan_psn.hex()
    return emv.hashed_pan_block(digits[:-2], digits[-2:])


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a scheme makes cryptograms: the session key, the padding, and whether the ARPC has the session key too."""

    session: Callable[[DesKey, Fields], DesKey]
    padding: int
    answers_with_session: bool = True


def _none(card: DesKey, fields: Fields) -> DesKey:
    return card


def _mchip(card: DesKey, fields: Fields) -> DesKey:
    return emv.common_session_key(card, octets(fields, "atc") + bytes(2) + octets(fields, "unpredictable_number"))


def _common(card: DesKey, fields: Fields) -> DesKey:
    return emv.common_session_key(card, octets(fields, "atc") + bytes(6))


def _tree(card: DesKey, fields: Fields) -> DesKey:
    branch = 4 if fields["branch_height"] == "1" else 2
    return emv.tree_session_key(card, octets(fields, "atc"), branch, octets(fields, "iv_ac"))


VIS = Scheme(_none, ZEROS_TO_THE_BLOCK)  # CVN 10
MCHIP = Scheme(_mchip, ONE_AND_ZEROS, answers_with_session=False)
COMMON = Scheme(_common, ONE_AND_ZEROS)  # CVN 18 and EMV CSK
TREE = Scheme(_tree, ZEROS_TO_THE_BLOCK)  # EMV 2000: a device was seen to add zeros, if anything


def cryptogram(scheme: Scheme, session: DesKey, fields: Fields, keys: Keyring) -> bytes:
    """The application cryptogram that the card should have made."""
    padding = ZEROS_TO_THE_BLOCK if keys.settings.cryptogram_padding == "host" else scheme.padding
    return emv.cryptogram(session, octets(fields, "data"), padding)


def wrong(expected: bytes, given: bytes, keys: Keyring) -> Answer | None:
    """None where the cryptogram is right; else 01, in the authorised state with the one that was expected."""
    if compare_digest(expected, given):
        return None
    if not keys.lmk.authorised:
        return checked(False)
    return Answer(codes.NOT_VERIFIED, {"expected": expected.decode("latin-1")})
