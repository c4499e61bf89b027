"""IBM 3624: a PIN that follows from the card's data, and the offset between it and the PIN that the customer chose.

The data is encrypted, every hex digit of the cryptogram is turned into a decimal
one by a decimalisation table, and the first digits are the natural PIN. The
offset is added digit by digit, modulo ten.
"""

from hsm_sim.primitives.des import DesKey

_HEX_DIGITS = "0123456789abcdef"


def natural_pin(pvk: DesKey, data: bytes, table: str, length: int) -> str:
    """`length` digits (at most 16); `data` is eight bytes, `table` the decimal digits for 0 to F.

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> natural_pin(key, bytes.fromhex("1234567890ABCDEF"), "0123456789012345", 4)
    '4794'
    """
    return pvk.encrypt(data).hex().translate(str.maketrans(_HEX_DIGITS, table))[:length]


def offset_of(pin: str, natural: str) -> str:
    """What must be added to the natural PIN; both of one length.

    >>> offset_of("1234", "4794")
    '7540'
    """
    return "".join([str((int(ours) - int(theirs)) % 10) for ours, theirs in zip(pin, natural, strict=True)])


def pin_with(offset: str, natural: str) -> str:
    """The PIN that this offset makes of the natural one.

    >>> pin_with("7540", "4794")
    '1234'
    """
    return "".join([str((int(ours) + int(theirs)) % 10) for ours, theirs in zip(offset, natural, strict=True)])
