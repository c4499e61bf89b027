"""The card verification value (CVV): three digits that bind PAN, expiry date and service code to a key pair.

iCVV has service code 999, CVV2 000; the caller says which.
"""

from hsm_sim.primitives.decimal import decimalised
from hsm_sim.primitives.des import DOUBLE, DesKey, xor


def cvv(cvk: DesKey, pan: str, expiry: str, service_code: str) -> str:
    """Three digits. `cvk` is of double length, `expiry` as the scheme orders its four digits.

    >>> cvv(DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")), "4123456789012345", "8701", "101")
    '561'
    """
    if len(cvk.clear) != DOUBLE:
        raise ValueError("a CVK is of double length")
    data = bytes.fromhex((pan + expiry + service_code).ljust(32, "0"))
    chained = xor(cvk.first_part.encrypt(data[:8]), data[8:])
    return decimalised(cvk.encrypt(chained), 3)
