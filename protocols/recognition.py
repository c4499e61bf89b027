"""What the bytes of a stream look like: another protocol altogether, or ISO 8583 under another framing.

Pure, and only advice: whether a stream is broken is decided by its own framing, and what is said
here goes into the reason. It looks at lengths, message types and bitmaps; never at an element,
and nothing it says repeats a byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from protocols.framing import Framing

# How other protocols open. TLS with its version, because a length may well begin with 0x16.
OPENINGS: Final[tuple[tuple[bytes, str], ...]] = (
    *((bytes((0x16, 0x03, minor)), "TLS") for minor in range(5)),
    *((verb, "HTTP") for verb in (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"CONNECT ", b"PRI * HTTP/2")),
    (b"SSH-", "SSH"),
)
WHOLE_OPENINGS: Final = tuple(opening for opening, _ in OPENINGS)
OPENING_LEAST: Final = 2  # fewer bytes than this begin too many things

MESSAGES_LOOKED_AT: Final = 64  # if so many fit, the rest will
MESSAGES_THAT_CONVINCE: Final = 2  # a wrong length may by chance lead to something once
DIGITS_OF_A_TYPE: Final = ("01", "12345678", "012345", "012345")  # version (1987, 1993), class, function, origin
TYPES: Final = ((4, "ascii"), (4, "cp500"), (2, "bcd"))  # how a message type is spelled, and how many bytes that takes
HEX: Final = frozenset("0123456789ABCDEFabcdef")
BITMAP: Final = 8  # bytes; twice as many where it is spelled in hex
LEAST: Final = 2 + BITMAP  # the shortest type and bitmap there are
TRACED: Final = 1 << (64 - 11)  # the bit of DE 11: whatever else a message has, it has a STAN

Fit = tuple[bool, int]  # what speaks against a framing: a message without a STAN, the length of its header


def stranger(data: bytes) -> str | None:
    """What other protocol these first bytes begin, as far as they go.

    >>> stranger(b"SSH-2.0-OpenSSH")
    'SSH'
    >>> stranger(b"GE")
    'HTTP'
    """
    for opening, name in OPENINGS:
        if len(data) >= OPENING_LEAST and data[: len(opening)] == opening[: len(data)]:
            return name
    return None


def framing_that_fits(data: bytes, framings: Iterable[Framing]) -> list[str]:
    """Names of the framings under which these bytes are messages, the best first; none if they are not.

    The bytes begin a stream, or at least a frame. A framing fits where its last frame ends with the
    last byte, or where two messages show that the rest is only not here yet. Better is one whose
    messages have a STAN; of those, one with a shorter header; of equals, the one given first.

    >>> from protocols.framing import framing_named
    >>> echo = b"0800822000000000000004000000000000001123205144000001301"
    >>> framing_that_fits(bytes((0, len(echo) + 2)) + echo, map(framing_named, ("len2", "len2_incl", "len4_ascii")))
    ['len2_incl']
    """
    fits = [(fit, framing.name) for framing in framings if (fit := _fit(data, framing)) is not None]
    return [name for _, name in sorted(fits, key=itemgetter(0))]


def _fit(data: bytes, framing: Framing) -> Fit | None:
    """How well the framing cuts the bytes, or None where it does not."""
    at, bitmaps = 0, list[int]()
    while at + framing.width <= len(data) and len(bitmaps) < MESSAGES_LOOKED_AT:
        length = framing.read(data, at)
        if length is None or not 0 < length <= framing.longest:
            return None
        begin, end = at + framing.width, at + framing.width + length
        bitmap = bitmap_behind_type(data[begin + framing.header_length : end])
        if end > len(data) and (bitmap or bitmap is None):
            break  # the rest of the last one is not here yet
        if not bitmap:
            return None
        bitmaps.append(bitmap)
        at = end
    if not bitmaps or (at < len(data) and len(bitmaps) < MESSAGES_THAT_CONVINCE):
        return None
    return not all(bitmap & TRACED for bitmap in bitmaps), framing.header_length


def bitmap_behind_type(message: bytes) -> int | None:
    """The first bitmap of what opens like a message, in any of the usual spellings.

    0 where nothing usual begins so; None where there is too little to say.

    >>> f"{bitmap_behind_type(b'08008220000000000000'):016X}"
    '8220000000000000'
    >>> f"{bitmap_behind_type(bytes.fromhex('08008220000000000000')):016X}"
    '8220000000000000'
    >>> bitmap_behind_type(b"no message type")
    0
    """
    if len(message) < LEAST:
        return None
    for width, spelling in TYPES:
        if _is_type(_text(message[:width], spelling)):
            return _bitmap(message[width:], spelling)
    return 0


def _is_type(text: str) -> bool:
    return all(digit in allowed for digit, allowed in zip(text, DIGITS_OF_A_TYPE, strict=True))


def _bitmap(data: bytes, spelling: str) -> int | None:
    """In hex where all of it is; else as it stands."""
    text = "" if spelling == "bcd" else _text(data[: 2 * BITMAP], spelling)
    if text and HEX.issuperset(text):
        return int(text, 16) if len(text) == 2 * BITMAP else None
    return int.from_bytes(data[:BITMAP], "big") if len(data) >= BITMAP else None


def _text(data: bytes, spelling: str) -> str:
    return data.hex() if spelling == "bcd" else data.decode(spelling, "replace")
