"""PIN blocks of ISO 9564-1 format 4: sixteen bytes, always enciphered, and bound to the PAN by a second encryption.

    E( E(4 L PIN A… , eight random bytes)  XOR  (M PAN 0…) )      M = PAN length - 12

Unlike the other formats there is no clear block: key and PAN are part of making
one. The key is an AES key.
"""

from hsm_sim.primitives.aes import BLOCK, AesKey
from hsm_sim.primitives.pin_block import PIN_LONGEST, PIN_SHORTEST, Fill, PinLengthError, read_field

_HEX_DIGITS = 32
_HALF = 16
_PAN_SHORTEST, _PAN_LONGEST = 12, 19


def pan_field(pan: str) -> bytes:
    """The sixteen bytes of the PAN: at most 19 digits; fewer than twelve are padded with zeros on the left.

    >>> pan_field("4111111111111111").hex(), pan_field("4000123456789").hex()
    ('44111111111111111000000000000000', '14000123456789000000000000000000')
    """
    if len(pan) > _PAN_LONGEST:
        raise ValueError("a PAN has at most 19 digits")
    digits = pan.rjust(_PAN_SHORTEST, "0")
    return bytes.fromhex(f"{len(digits) - _PAN_SHORTEST}{digits}".ljust(_HEX_DIGITS, "0"))


def pin_field(pin: str, fill: Fill) -> bytes:
    """The sixteen bytes of the PIN, the last eight random. Raises PinLengthError.

    >>> pin_field("1234", bytes).hex().upper()
    '441234AAAAAAAAAA0000000000000000'
    """
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST:
        raise PinLengthError("PIN length")
    return bytes.fromhex(f"4{len(pin):X}{pin}".ljust(_HALF, "A")) + fill(BLOCK // 2)


def enciphered(key: AesKey, field: bytes, pan: str) -> bytes:
    """The block of a PIN field.

    >>> key = AesKey(bytes.fromhex("000102030405060708090A0B0C0D0E0F"))
    >>> field = bytes.fromhex("441234AAAAAAAAAA0123456789ABCDEF")
    >>> enciphered(key, field, "4111111111111111").hex().upper()
    '70487881E82D3F1EF3A87678147EDAA7'
    """
    return key.encrypt(_xor(key.encrypt(field), pan_field(pan)))


def pin_of(key: AesKey, block: bytes, pan: str) -> str:
    """The PIN again. Raises NoPinError, PinLengthError; a wrong PAN is no PIN, but for one in a million million."""
    field = key.decrypt(_xor(key.decrypt(block), pan_field(pan)))
    return read_field(field[: BLOCK // 2].hex().upper(), "4", "A")


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(BLOCK, "big")
