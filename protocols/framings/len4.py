"""Four bytes of length, most significant first, not counting themselves."""

from struct import Struct

from protocols.framing import Framing

_LENGTH = Struct(">I")


def _read(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


FRAMING = Framing(
    name="len4",
    title="4-byte big-endian length, not counting itself",
    width=_LENGTH.size,
    read=_read,
    write=_LENGTH.pack,
    says_up_to=0xFFFFFFFF,
)
