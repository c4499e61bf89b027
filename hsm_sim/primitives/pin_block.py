"""Clear PIN blocks of eight bytes, there and back: ISO 9564 formats 0, 1, 2 and 3, and five that are older.

    0        0 L PIN F…          XOR 0000 account
    1        1 L PIN random
    2        2 L PIN F…          to the chip only
    3        3 L PIN random A–F  XOR 0000 account
    docutel  L PIN, six digits wide, filled with zeros, then nine digits of anything (we write zeros)
    diebold  PIN F…
    paynow   2 L PIN F…          XOR 0000 account

(The PLUS format is format 0 with other digits of the PAN for its account.)
Format 4, which is of AES, is in `iso4.py`. What the PIN is worth, and which
formats may be exchanged for which, is decided elsewhere. The layouts of the
older ones are as commonly told; no public vector of theirs is known to us.
"""

import re
from collections.abc import Callable

PIN_SHORTEST, PIN_LONGEST = 4, 12

Fill = Callable[[int], bytes]  # so many random bytes

# What may stand behind the PIN, by format; which formats the account is mixed into; which digit they begin with.
_FILL = {"0": "F", "1": "0123456789ABCDEF", "2": "F", "3": "ABCDEF", "paynow": "F"}
_BOUND = frozenset({"0", "3", "paynow"})
_RANDOM = frozenset({"1", "3"})
_CONTROL = {"0": "0", "1": "1", "2": "2", "3": "3", "paynow": "2"}
_LENGTHS = {f"{length:X}": length for length in range(PIN_SHORTEST, PIN_LONGEST + 1)}
# A block of format 0 in one look instead of five: half of all that an HSM is asked is to hand one on.
_FORMAT_0 = re.compile("0(?:" + "|".join(f"{one:X}[0-9]{{{one}}}F{{{14 - one}}}" for one in _LENGTHS.values()) + ")")
_TO_A_TO_F = {ord(digit): "ABCDEF"[n % 6] for n, digit in enumerate("0123456789ABCDEF")}
_HEX_DIGITS = 16
DOCUTEL_LONGEST = 6
_DOCUTEL_TAIL = 9


class NoPinError(ValueError):
    """The block holds no PIN of this format under this account."""


class PinLengthError(ValueError):
    """The PIN is shorter than 4 or longer than 12 digits, or longer than the format can hold."""


def build(number: str, pin: str, account: str, fill: Fill) -> bytes:
    """The block of this format for this PIN; `account` is the 12 rightmost of the PAN without its check digit.

    >>> build("0", "1234", "111111111111", bytes).hex().upper()
    '041225EEEEEEEEEE'
    >>> build("3", "1234", "210123456789", bytes).hex().upper()
    '341215AB89EFCD23'
    """
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST:
        raise PinLengthError("PIN length")
    control = _CONTROL.get(number)
    if control is None:
        return bytes.fromhex(_PLAIN[number][0](pin))
    opened = f"{control}{len(pin):X}{pin}"
    if number in _RANDOM:
        filled = opened + _random_filling(number, _HEX_DIGITS - len(opened), fill)
    else:
        filled = opened.ljust(_HEX_DIGITS, "F")
    mask = int(account, 16) if number in _BOUND else 0
    return (int(filled, 16) ^ mask).to_bytes(8, "big")


def read(number: str, block: bytes, account: str) -> str:
    """The PIN in a block of this format. Raises NoPinError, PinLengthError.

    >>> read("0", bytes.fromhex("041225EEEEEEEEEE"), "111111111111")
    '1234'
    """
    control = _CONTROL.get(number)
    if control is None:
        return _PLAIN[number][1](block.hex().upper())
    mask = int(account, 16) if number in _BOUND else 0
    return read_field(f"{int.from_bytes(block, 'big') ^ mask:016X}", control, _FILL[number])


def length_in_format_0(block: bytes, account: str) -> int:
    """How long the PIN in a block of format 0 is: `read` for those who only hand the block on. Raises as that does.

    >>> length_in_format_0(bytes.fromhex("041225EEEEEEEEEE"), "111111111111")
    4
    """
    field = f"{int.from_bytes(block, 'big') ^ int(account, 16):016X}"
    if _FORMAT_0.fullmatch(field) is None:
        return len(read_field(field, "0", "F"))  # which says what is wrong with it
    return _LENGTHS[field[1]]


def read_field(field: str, control: str, fill: str) -> str:
    """The PIN in `control L PIN fill…`, which is upper-case hex. Raises NoPinError, PinLengthError."""
    if field[0] != control:
        raise NoPinError("control digit")
    length = _LENGTHS.get(field[1])
    if length is None:
        raise PinLengthError("PIN length")
    pin = field[2 : 2 + length]
    if not pin.isdigit() or field[2 + length :].strip(fill):
        raise NoPinError("digits or fill")
    return pin


def _random_filling(number: str, count: int, fill: Fill) -> str:
    random = fill((count + 1) // 2).hex().upper()[:count]
    return random.translate(_TO_A_TO_F) if number == "3" else random


def _docutel(pin: str) -> str:
    if len(pin) > DOCUTEL_LONGEST:
        raise PinLengthError("PIN length")
    return f"{len(pin)}{pin.ljust(DOCUTEL_LONGEST, '0')}{'0' * _DOCUTEL_TAIL}"


def _read_docutel(field: str) -> str:
    if not field.isdigit():
        raise NoPinError("digits")
    length = int(field[0])
    if not PIN_SHORTEST <= length <= DOCUTEL_LONGEST:
        raise PinLengthError("PIN length")
    if field[1 + length : 1 + DOCUTEL_LONGEST].strip("0"):
        raise NoPinError("fill")
    return field[1 : 1 + length]


def _diebold(pin: str) -> str:
    return pin.ljust(_HEX_DIGITS, "F")


def _read_diebold(field: str) -> str:
    pin = field.rstrip("F")
    if not pin.isdigit():
        raise NoPinError("digits or fill")
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST:
        raise PinLengthError("PIN length")
    return pin


# Formats without a control digit: how they are written, how they are read.
_PLAIN: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "docutel": (_docutel, _read_docutel),
    "diebold": (_diebold, _read_diebold),
}
