"""Two bytes of length, most significant first, not counting themselves: the commonest framing there is."""

from protocols.framing import Framing


def _read(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]


FRAMING = Framing(
    name="len2",
    title="2-byte big-endian length, not counting itself",
    width=2,
    read=_read,
    write=lambda length: length.to_bytes(2, "big"),
)
