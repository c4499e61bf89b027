"""PINs under the LMK: the one form in which an issuer may keep a PIN, bound to the account it belongs to.

The algorithms are ours (`primitives/lmk_pin.py`), as no device's is published.
Which LMK it is decides the form: digits under DES keys, M and hex under AES.
"""

from hsm_sim.errors import RefusedError
from hsm_sim.lmk import Lmk, LmkKind
from hsm_sim.pin_blocks import account_of
from hsm_sim.primitives import lmk_pin
from hsm_sim.primitives.lmk_pin import NoPinUnderLmkError
from protocols.hsm import codes

AES_MARK = "M"


def under_lmk(lmk: Lmk, account: str, pin: str) -> str:
    """The PIN, which must be of 4 to 12 digits, as it is kept."""
    digits = account_of(account)
    if lmk.kind is LmkKind.BLOCK_AES:
        return AES_MARK + lmk_pin.encrypted_aes(lmk.aes_pin_key, digits, pin).hex().upper()
    return lmk_pin.encrypted(lmk.pin_key, digits, pin)


def from_lmk(lmk: Lmk, account: str, kept: str) -> str:
    """The PIN again. Raises RefusedError 14: no PIN under this LMK for this account."""
    digits = account_of(account)
    of_aes = kept.startswith(AES_MARK)
    if of_aes != (lmk.kind is LmkKind.BLOCK_AES):
        raise RefusedError(codes.PIN_UNDER_LMK)
    try:
        if of_aes:
            return lmk_pin.decrypted_aes(lmk.aes_pin_key, digits, bytes.fromhex(kept[1:]))
        return lmk_pin.decrypted(lmk.pin_key, digits, kept)
    except NoPinUnderLmkError:
        raise RefusedError(codes.PIN_UNDER_LMK) from None
