"""Four hexadecimal digits of length in ASCII, of either case, not counting themselves."""

from protocols.framing import Framing

_DIGITS = frozenset(b"0123456789ABCDEFabcdef")


def _read(data: bytes, at: int) -> int | None:
    digits = data[at : at + 4]
    return int(digits, 16) if _DIGITS.issuperset(digits) else None  # `int` alone would take ` +1_F` and `0xFF`


def _write(length: int) -> bytes:
    return b"%04X" % length


FRAMING = Framing(
    name="hex4",
    title="four ASCII hex digits, not counting themselves",
    width=4,
    read=_read,
    write=_write,
    says_up_to=0xFFFF,
)
