"""Two bytes of length, most significant first, not counting themselves: the commonest framing there is."""

from struct import Struct

from protocols.framing import Framing

_LENGTH = Struct(">H")


def _read(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]


FRAMING = Framing(
    name="len2",
    title="2-byte big-endian length, not counting itself",
    width=_LENGTH.size,
    read=_read,
    write=_LENGTH.pack,
    says_up_to=0xFFFF,
)
