"""Card security codes (CSC) of five, four and three digits, out of one cryptogram.

American Express publishes neither of its two algorithms, so this one is ours: a
retail MAC of account number, expiry date and service code, decimalised as a CVV
is. What a real card bears does not verify here.
"""

from typing import NamedTuple

from hsm_sim.primitives.decimal import decimalised
from hsm_sim.primitives.des import DOUBLE, DesKey, xor

DATA_DIGITS = 32


class CardSecurityCodes(NamedTuple):
    """The three codes of one card."""

    five: str
    four: str
    three: str


def card_security_codes(key: DesKey, account: str, expiry: str, service_code: str = "") -> CardSecurityCodes:
    """All three. `account` has 19 digits, filled with zeros on the right, `expiry` is YYMM.

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> card_security_codes(key, "3712345678901230000", "9912")
    CardSecurityCodes(five='32351', four='8766', three='726')
    """
    if len(key.clear) != DOUBLE:
        raise ValueError("a CSC key is of double length")
    data = bytes.fromhex((account + expiry + service_code).ljust(DATA_DIGITS, "0"))
    chained = xor(key.first_part.encrypt(data[:8]), data[8:])
    digits = decimalised(key.encrypt(chained), 12)
    return CardSecurityCodes(digits[:5], digits[5:9], digits[9:])
