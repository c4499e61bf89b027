"""Card verification values that a chip makes anew for every payment: Mastercard's CVC3, and Visa's dCVV.

Both take the card's own key, derived from the issuer's (`emv.card_key`). What
they are made of is the track as the card holds it, the application transaction
counter (ATC), and for a CVC3 the reader's unpredictable number.
"""

from hsm_sim.primitives.cvv import cvv
from hsm_sim.primitives.des import DesKey
from hsm_sim.primitives.mac import RETAIL, mac, padded

CVC3_DIGITS = 5


def cvc3(key: DesKey, track: bytes, unpredictable_number: bytes, atc: bytes) -> str:
    """Five digits, of which a track carries the last three to five. Four bytes and two of number and counter.

    >>> from hsm_sim.primitives.emv import card_key, pan_block
    >>> issuer = DesKey(bytes.fromhex("01234567899876543210012345678998"))
    >>> card = card_key(issuer, pan_block("5123456789012345", "00"))
    >>> track = bytes.fromhex("5123456789012345D35121010000000000000F")
    >>> cvc3(card, track, bytes.fromhex("00000899"), bytes.fromhex("005E"))
    '29488'
    """
    start = mac(key, RETAIL, padded(track, 2))[-2:]
    end = key.encrypt(start + unpredictable_number + atc)[-2:]
    return f"{int.from_bytes(end, 'big'):0{CVC3_DIGITS}d}"


def dcvv(key: DesKey, pan: str, expiry: str, service_code: str, atc: int) -> str:
    """Three digits: a CVV under the card's key, the counter's last four digits in place of the PAN's first.

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> dcvv(key, "4111111111111111", "2512", "201", 4111)
    '139'
    """
    return cvv(key, f"{atc % 10_000:04d}{pan[4:]}", expiry, service_code)
