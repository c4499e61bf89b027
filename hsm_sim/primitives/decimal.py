"""Decimalisation in two passes, as CVV and PVV do it.

First the decimal digits of the cryptogram from left to right, then its letters,
A as 0 to F as 5. (IBM 3624 decimalises by a table and is another thing.)
"""

_DECIMAL = {ord(letter): None for letter in "ABCDEF"}
_LETTERS = {ord(digit): None for digit in "0123456789"} | {ord("A") + n: str(n) for n in range(6)}


def decimalised(cryptogram: bytes, count: int) -> str:
    """The first `count` digits.

    >>> decimalised(bytes.fromhex("A1B2C3D4E5F60000"), 12)
    '123456000001'
    """
    digits = cryptogram.hex().upper()
    return (digits.translate(_DECIMAL) + digits.translate(_LETTERS))[:count]
