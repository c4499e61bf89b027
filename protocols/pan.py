"""A card number that must be asked before it shows itself; masking and the check digit.

What is printed, logged or formatted by accident is the masked number. The one
way to the digits is `clear()`, so a search for `.clear()` finds every place
where a card number leaves its shelter. Routing and products do not belong here.
"""

from __future__ import annotations

from itertools import product
from typing import Final

SHORTEST: Final = 8  # ISO/IEC 7812-1: an issuer number of eight digits is the least that names anybody
LONGEST: Final = 19  # ISO/IEC 7812-1 and DE 2 of ISO 8583
UNMASKED_FROM: Final = 13  # below this, first six and last four would show nearly the whole number


def is_digits(text: str) -> bool:
    """True when every character is one of the ten ASCII digits.

    `str.isdigit` alone also accepts superscripts and full-width digits, and
    `int` accepts signs, spaces and underscores; the wire has none of them.

    >>> is_digits("0042"), is_digits(""), is_digits("²"), is_digits("1_0"), is_digits("１２")
    (True, False, False, False, False)
    """
    return text.isascii() and text.isdigit()


def masked(text: str) -> str:
    """The first six and the last four; of a short number only the last four.

    >>> masked("9414100000000017")
    '941410******0017'
    >>> masked("414100000017"), masked("123")
    ('********0017', '***')
    """
    if len(text) >= UNMASKED_FROM:
        return f"{text[:6]}{'*' * (len(text) - 10)}{text[-4:]}"
    if len(text) > 4:
        return "*" * (len(text) - 4) + text[-4:]
    return "*" * len(text)


# What four digits add, every second from the right doubled: the digit sum of its double. One look serves
# four digits, because every request passes here (0.4 µs; digit by digit it was 1.3).
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_FOUR: Final = {f"{a}{b}{c}{d}": _DOUBLED[a] + b + _DOUBLED[c] + d for a, b, c, d in product(range(10), repeat=4)}


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).

    >>> luhn_valid("9414100000000017"), luhn_valid("9414100000000018"), luhn_valid("94141A")
    (True, False, False)
    """
    try:
        if len(digits) == 16:  # nearly all are
            return (_FOUR[digits[:4]] + _FOUR[digits[4:8]] + _FOUR[digits[8:12]] + _FOUR[digits[12:]]) % 10 == 0
        return bool(digits) and _luhn_sum(digits) % 10 == 0
    except KeyError:  # something in it is not a digit
        return False


# The same for one digit as a byte, doubled and not; what is no digit does not come here.
_ONCE: Final = bytes((byte - 48) % 10 for byte in range(256))
_TWICE: Final = bytes(_DOUBLED[(byte - 48) % 10] for byte in range(256))
_IN_TENS: Final = bytes(byte % 10 for byte in range(256))
WORTH_ADDING: Final = 12  # numbers: fewer are quicker one by one


def all_luhn_valid(digits: bytes, count: int) -> bool:
    """Whether so many card numbers of one length, digits one behind the other, all end in their check digit.

    The first digits of all are one large integer, a byte each, the second digits another: sixteen additions add up
    all the numbers at once, and no sum reaches the next byte (a ninth of the time that one by one would take).

    >>> all_luhn_valid(b"94141000000000174761739000000012", 2), all_luhn_valid(b"9414100000000018" * 20, 20)
    (True, False)
    >>> all_luhn_valid(b"9414100000000017" * 20, 20)
    True
    """
    size = len(digits) // count
    if count < WORTH_ADDING:
        return all(luhn_valid(digits[at : at + size].decode()) for at in range(0, len(digits), size))
    total = 0
    for place in range(size):
        weighed = digits[place::size].translate(_ONCE if (size - place) % 2 else _TWICE)
        total += int.from_bytes(weighed, "big")
    return not any(total.to_bytes(count, "big").translate(_IN_TENS))


def check_digit(payload: str) -> str:
    """The digit that makes `payload` a number that `luhn_valid` accepts.

    >>> check_digit("941410000000001")
    '7'
    """
    if payload and not is_digits(payload):
        raise ValueError("a check digit is worked out over digits only")
    return str(-_luhn_sum(payload + "0") % 10)


def _luhn_sum(number: str) -> int:
    """The sum over a whole number, check digit included; KeyError where it is not made of digits."""
    number = number.zfill(-len(number) % 4 + len(number))
    return sum(_FOUR[number[at : at + 4]] for at in range(0, len(number), 4))


class Pan:
    """A primary account number of 8 to 19 digits. Equal by value, printed masked.

    >>> pan = Pan("9414100000000017")
    >>> pan
    Pan('941410******0017')
    >>> f"card {pan}", pan.passes_luhn, pan.account12
    ('card 941410******0017', True, '410000000001')
    """

    # A plain slotted class: one is made per transaction, and a frozen dataclass takes four times as long.
    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        if not is_digits(digits) or not SHORTEST <= len(digits) <= LONGEST:
            raise ValueError(f"a card number has {SHORTEST} to {LONGEST} digits")
        self._digits = digits

    def clear(self) -> str:
        """The digits themselves: the only way to them."""
        return self._digits

    @property
    def masked(self) -> str:
        """What a person may see."""
        return masked(self._digits)

    @property
    def passes_luhn(self) -> bool:
        return luhn_valid(self._digits)

    @property
    def account12(self) -> str:
        """The twelve rightmost digits without the check digit, as PIN blocks bind them (ISO 9564-1).

        Digits all the same: it is for the HSM, not for a log.
        """
        return self._digits[-13:-1].rjust(12, "0")

    def starts_with(self, prefix: str) -> bool:
        """Whether the number belongs to an issuer identification prefix."""
        return self._digits.startswith(prefix)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pan) and other._digits == self._digits

    def __hash__(self) -> int:
        return hash(self._digits)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Pan({self.masked!r})"
