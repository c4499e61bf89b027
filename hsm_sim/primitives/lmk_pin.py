"""A PIN under the LMK, bound to the account: one digit more than the PIN under a DES key, one block under AES.

No device's algorithm is published, so these are ours: what a client kept from
a real device does not open here, nor the reverse. Under DES it is a Feistel network over
decimal digits (as NIST SP 800-38G builds them) whose round function is two 3DES
blocks over round, width, account and the other half. The digit in front is zero,
so nine of ten wrong accounts or corrupted values show themselves. Under AES there
is room for the account itself, so all of them do.
"""

from hmac import compare_digest

from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey, xor
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST, NoPinError, PinLengthError, read_field

ROUNDS = 10  # as FF1
GUARD = "0"
FIELD_DIGITS = 16
CLOSING = bytes(2)


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
    if digits[:1] != GUARD or not PIN_SHORTEST < len(digits) <= PIN_LONGEST + 1:
        raise NoPinUnderLmkError("PIN under LMK")
    return digits[1:]


def _shifted(key: DesKey, account: str, width: int, step: int, text: str, other: str, sign: int) -> str:
    """`text` plus or minus what the other half says, in as many digits."""
    head = bytes((step, width)) + bytes.fromhex(account)
    block = key.encrypt(xor(key.encrypt(head), int(other).to_bytes(8, "big")))
    shift = sign * int.from_bytes(block, "big")
    return f"{(int(text) + shift) % 10 ** len(text):0{len(text)}d}"


def encrypted_aes(key: AesKey, account: str, pin: str) -> bytes:
    """Sixteen bytes: one block of `0 L PIN F…`, the account, and two zero bytes.

    >>> key = AesKey(bytes(range(16)))
    >>> decrypted_aes(key, "111111111111", encrypted_aes(key, "111111111111", "123456789012"))
    '123456789012'
    """
    field = f"0{len(pin):X}{pin}".ljust(FIELD_DIGITS, "F")
    return key.encrypt(bytes.fromhex(field + account) + CLOSING)


def decrypted_aes(key: AesKey, account: str, value: bytes) -> str:
    """The PIN again; another account is told with certainty."""
    block = key.decrypt(value)
    try:
        pin = read_field(block[:8].hex().upper(), "0", "F")
    except (NoPinError, PinLengthError):
        raise NoPinUnderLmkError("PIN under LMK") from None
    if not compare_digest(block[8:], bytes.fromhex(account) + CLOSING):
        raise NoPinUnderLmkError("PIN under LMK")
    return pin
