"""The PIN verification value (PVV): four digits that stand for a PIN where the PIN must not stand."""

from hsm_sim.primitives.decimal import decimalised
from hsm_sim.primitives.des import DesKey


def pvv(pvk: DesKey, account: str, pvki: str, pin: str) -> str:
    """Four digits from the first four of the PIN. `account`: the 12 rightmost of the PAN without its check digit.

    >>> pvv(DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")), "111111111111", "1", "1234")
    '9464'
    """
    return decimalised(pvk.encrypt(bytes.fromhex(account[1:] + pvki + pin[:4])), 4)
