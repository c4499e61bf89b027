"""Integers in DER: a SEQUENCE of them, as RSA keys are written. Nothing else of ASN.1 is known here.

Some hosts write integers without the zero byte that keeps them positive; here
they are read as positive either way, and `signed` says how they are written.
"""

from collections.abc import Iterable

SEQUENCE, INTEGER = 0x30, 0x02
_LONG = 0x80


class NotDerError(ValueError):
    """These bytes are no such sequence."""


def written(numbers: Iterable[int], signed: bool) -> bytes:
    """The sequence of these positive integers.

    >>> written([0x80, 3], signed=True).hex(), written([0x80, 3], signed=False).hex()
    ('300702020080020103', '3006020180020103')
    """
    return _value(SEQUENCE, b"".join(_value(INTEGER, _content(number, signed)) for number in numbers))


def read(data: bytes) -> tuple[tuple[int, ...], int]:
    """The integers of the sequence `data` begins with, and how many bytes it takes. Raises NotDerError.

    >>> read(bytes.fromhex("300702020080020103FFFF"))
    ((128, 3), 9)
    """
    begin, end = _bounds(data, 0, SEQUENCE)
    numbers = []
    while begin < end:
        begin, stop = _bounds(data[:end], begin, INTEGER)
        numbers.append(int.from_bytes(data[begin:stop], "big"))
        begin = stop
    return tuple(numbers), end


def _content(number: int, signed: bool) -> bytes:
    return number.to_bytes((number.bit_length() + (8 if signed else 7)) // 8, "big")


def _value(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < _LONG:
        return bytes((tag, length)) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(digits))) + digits + content


def _bounds(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the content of the value at `at` begins and ends."""
    if len(data) < at + 2 or data[at] != tag:
        raise NotDerError("tag")
    first, begin = data[at + 1], at + 2
    if first >= _LONG:
        digits = data[begin : begin + (first & 0x7F)]
        begin += len(digits)
        length = int.from_bytes(digits, "big")
        if len(digits) != first & 0x7F or length < _LONG or digits[0] == 0:
            raise NotDerError("length")
    else:
        length = first
    if not length or begin + length > len(data):
        raise NotDerError("length")
    return begin, begin + length
