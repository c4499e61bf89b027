"""A PIN under the LMK: one digit more than the PIN, bound to the account.

No device's algorithm is published, so this one is ours: what a client kept from
a real device does not open here, nor the reverse. It is a Feistel network over
decimal digits (as NIST SP 800-38G builds them) whose round function is two 3DES
blocks over round, width, account and the other half. The digit in front is zero,
so nine of ten wrong accounts or corrupted values show themselves.
"""

from hsm_sim.primitives.des import DesKey, xor

ROUNDS = 10  # as FF1
GUARD = "0"


class NoPinUnderLmkError(ValueError):
    """This is no PIN under this LMK for this account."""


def encrypted(key: DesKey, account: str, pin: str) -> str:
    """len(pin) + 1 digits; `account` is twelve digits.

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> decrypted(key, "111111111111", encrypted(key, "111111111111", "1234"))
    '1234'
    """
    digits = GUARD + pin
    half = len(digits) // 2
    left, right = digits[:half], digits[half:]
    for step in range(ROUNDS):
        left, right = right, _shifted(key, account, len(digits), step, left, right, 1)
    return left + right


def decrypted(key: DesKey, account: str, value: str) -> str:
    """The PIN again."""
    half = len(value) // 2
    left, right = value[:half], value[half:]
    for step in reversed(range(ROUNDS)):
        left, right = _shifted(key, account, len(value), step, right, left, -1), left
    digits = left + right
    if digits[:1] != GUARD:
        raise NoPinUnderLmkError("PIN under LMK")
    return digits[1:]


def _shifted(key: DesKey, account: str, width: int, step: int, text: str, other: str, sign: int) -> str:
    """`text` plus or minus what the other half says, in as many digits."""
    head = bytes((step, width)) + bytes.fromhex(account)
    block = key.encrypt(xor(key.encrypt(head), int(other).to_bytes(8, "big")))
    shift = sign * int.from_bytes(block, "big")
    return f"{(int(text) + shift) % 10 ** len(text):0{len(text)}d}"
