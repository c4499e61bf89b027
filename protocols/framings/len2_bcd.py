"""Four digits of length in two bytes of BCD, not counting themselves."""

from protocols.framing import Framing

#: What each byte says; a nibble of A to F is no digit.
_SAYS = tuple((byte >> 4) * 10 + (byte & 15) if byte >> 4 < 10 > byte & 15 else None for byte in range(256))


def _read(data: bytes, at: int) -> int | None:
    hundreds, rest = _SAYS[data[at]], _SAYS[data[at + 1]]
    return None if hundreds is None or rest is None else hundreds * 100 + rest


def _write(length: int) -> bytes:
    return bytes.fromhex(f"{length:04d}")


FRAMING = Framing(
    name="len2_bcd",
    title="four BCD digits in 2 bytes, not counting themselves",
    width=2,
    read=_read,
    write=_write,
    says_up_to=9999,
)
