"""The Visa CAVV of 3-D Secure: a CVV over what the authentication was, in place of what the card is.

The four digits of the expiry date are the authentication tracking number's last
four; the three of the service code are the authentication result and the second
factor. So CW makes one and CY verifies one, given these digits, and no command
of its own is needed.
"""

from hsm_sim.primitives.cvv import cvv
from hsm_sim.primitives.des import DesKey


def cavv(key: DesKey, pan: str, tracking_number: str, result: str, second_factor: str) -> str:
    """Three digits. `tracking_number`: at least four digits, of which the last four count; result 1, factor 2 digits.

    >>> cavv(DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")), "4111111111111111", "2512", "2", "01")
    '139'
    """
    return cvv(key, pan, tracking_number[-4:], result + second_factor)
