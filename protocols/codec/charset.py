"""Character sets: which byte stands for which character, and what an alphabet looks like in each.

A dialect writes its text in one of Python's one-byte encodings (`ascii`, `cp500`). What is
an element, and how long it may be, is not known here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from protocols.errors import LocalProtocolError

DIGIT_CHARACTERS: Final = b"0123456789"
HEX_CHARACTERS: Final = b"0123456789abcdefABCDEF"
PRINTABLE_CHARACTERS: Final = bytes(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Content:
    """What bytes a value may be made of.

    `judge` turns every allowed byte into ASCII and every other one into 0xFF, so that
    two calls in C answer for a whole run of bytes: `data.translate(judge).isascii()`.
    `key` tells apart what `name` does not: digits in ASCII, in EBCDIC, packed.
    """

    name: str
    judge: bytes
    key: str

    def holds(self, data: bytes) -> bool:
        return data.translate(self.judge).isascii()


def content(name: str, allowed: Iterable[int], key: str = "") -> Content:
    """The content of these bytes."""
    members = frozenset(allowed)
    return Content(name, bytes(0 if byte in members else 0xFF for byte in range(256)), key or name)


DIGITS: Final = content("digits", DIGIT_CHARACTERS)
HEX: Final = content("hex", HEX_CHARACTERS)
PRINTABLE: Final = content("printable", PRINTABLE_CHARACTERS)
ANY: Final = content("bytes", range(256))
# Two digits to the byte; the second one also with the separator of a track.
PACKED_DIGITS: Final = content("digits", (byte for byte in range(256) if f"{byte:02x}".isdigit()), "packed_digits")
PACKED_TRACK: Final = content(
    "digits", (byte for byte in range(256) if set(f"{byte:02X}") <= set("0123456789D")), "packed_track"
)


@dataclass(frozen=True, eq=False, slots=True)
class Charset:
    """One character set. `is_plain`: its bytes are those of ASCII, so nothing has to be translated.

    >>> charset_named("cp500").written(b"0800").hex()
    'f0f8f0f0'
    >>> charset_named("cp500").read(bytes.fromhex("f0f8f0f0"))
    '0800'
    """

    name: str
    is_plain: bool
    to_wire: bytes
    to_ascii: bytes
    digits: Content
    hexadecimal: Content
    printable: Content

    def written(self, text: bytes) -> bytes:
        """ASCII as this set writes it."""
        return text if self.is_plain else text.translate(self.to_wire)

    def read(self, data: bytes) -> str:
        """Bytes of this set as text; of other bytes, something that no alphabet holds."""
        return (data if self.is_plain else data.translate(self.to_ascii)).decode("latin-1")


@cache
def charset_named(encoding: str) -> Charset:
    """The set that Python knows by this name, if one byte is one character in it."""
    try:
        name = re.sub(r"\W", "_", codecs.lookup(encoding).name)
        written = PRINTABLE_CHARACTERS.decode("ascii").encode(encoding)
    except (LookupError, UnicodeError, AttributeError, TypeError):
        raise LocalProtocolError(f"no character set is called {encoding!r}") from None
    if len(written) != len(PRINTABLE_CHARACTERS) or len(set(written)) != len(written):
        raise LocalProtocolError(f"{encoding!r} does not write one byte for one character")
    if written == PRINTABLE_CHARACTERS:
        return Charset(name, True, bytes(range(256)), bytes(range(256)), DIGITS, HEX, PRINTABLE)
    to_wire, to_ascii = bytearray(b"\xff" * 256), bytearray(b"\xff" * 256)
    for character, byte in zip(PRINTABLE_CHARACTERS, written, strict=True):
        to_wire[character], to_ascii[byte] = byte, character

    def of(known: str, characters: bytes) -> Content:
        return content(known, characters.translate(bytes(to_wire)), f"{known}_{name}")

    return Charset(
        name,
        False,
        bytes(to_wire),
        bytes(to_ascii),
        of("digits", DIGIT_CHARACTERS),
        of("hex", HEX_CHARACTERS),
        of("printable", PRINTABLE_CHARACTERS),
    )


PLAIN: Final = charset_named("ascii")
