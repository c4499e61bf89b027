"""Four digits of length in ASCII, not counting themselves."""

from protocols.framing import Framing


def _read(data: bytes, at: int) -> int | None:
    digits = data[at : at + 4]
    return int(digits) if digits.isdigit() else None  # of bytes: 0 to 9 and nothing else; `int` would take ` +1_0`


def _write(length: int) -> bytes:
    return b"%04d" % length


FRAMING = Framing(
    name="len4_ascii",
    title="four ASCII digits, not counting themselves",
    width=4,
    read=_read,
    write=_write,
    says_up_to=9999,
)
