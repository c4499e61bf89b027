"""Clear PIN blocks of ISO 9564 formats 0, 1, 2 and 3: eight bytes that hold a PIN, there and back.

    0   0 L PIN F…          XOR 0000 account
    1   1 L PIN random
    2   2 L PIN F…          to the chip only
    3   3 L PIN random A–F  XOR 0000 account

Format 4 is AES and not here yet. What the PIN is worth, and which formats may
be exchanged for which, is decided elsewhere.
"""

from collections.abc import Callable

PIN_SHORTEST, PIN_LONGEST = 4, 12

Fill = Callable[[int], bytes]  # so many random bytes

# What may stand behind the PIN, by format.
_FILL = {"0": "F", "1": "0123456789ABCDEF", "2": "F", "3": "ABCDEF"}
_LENGTHS = {f"{length:X}": length for length in range(PIN_SHORTEST, PIN_LONGEST + 1)}
_TO_A_TO_F = {ord(digit): "ABCDEF"[n % 6] for n, digit in enumerate("0123456789ABCDEF")}
_HEX_DIGITS = 16


class NoPinError(ValueError):
    """The block holds no PIN of this format under this account."""


class PinLengthError(ValueError):
    """The PIN is shorter than 4 or longer than 12 digits."""


def build(number: str, pin: str, account: str, fill: Fill) -> bytes:
    """The block of ISO format `number` for this PIN; `account` is the 12 rightmost of the PAN without its check digit.

    >>> build("0", "1234", "111111111111", bytes).hex().upper()
    '041225EEEEEEEEEE'
    >>> build("3", "1234", "210123456789", bytes).hex().upper()
    '341215AB89EFCD23'
    """
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST:
        raise PinLengthError("PIN length")
    opened = f"{number}{len(pin):X}{pin}"
    if number in "02":
        filled = opened.ljust(_HEX_DIGITS, "F")
    else:
        filled = opened + _random_filling(number, _HEX_DIGITS - len(opened), fill)
    field = int(filled, 16)
    return (field ^ _account_field(number, account)).to_bytes(8, "big")


def read(number: str, block: bytes, account: str) -> str:
    """The PIN in a block of ISO format `number`.

    >>> read("0", bytes.fromhex("041225EEEEEEEEEE"), "111111111111")
    '1234'
    """
    field = f"{int.from_bytes(block, 'big') ^ _account_field(number, account):016X}"
    if field[0] != number:
        raise NoPinError("control digit")
    length = _LENGTHS.get(field[1])
    if length is None:
        raise PinLengthError("PIN length")
    pin = field[2 : 2 + length]
    if not pin.isdigit() or field[2 + length :].strip(_FILL[number]):
        raise NoPinError("digits or fill")
    return pin


def _account_field(number: str, account: str) -> int:
    return int(account, 16) if number in "03" else 0


def _random_filling(number: str, count: int, fill: Fill) -> str:
    random = fill((count + 1) // 2).hex().upper()[:count]
    return random.translate(_TO_A_TO_F) if number == "3" else random
