"""Looking for secrets: values found nowhere else, and every form in which one might lie about.

A canary is a card number, a track, a code, a PIN block or a key made for one test. `found_in`
searches bytes for each of them in clear, BCD, nibble-swapped, EBCDIC, hex of either case,
base64 at all three alignments, UTF-16 and inside compressed blocks. What is searched, and
where a value may stand after all, is for the tests.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

SHORTEST: Final = 6  # bytes; shorter needles are found by chance in any megabyte of noise
ZLIB, GZIP, DEFLATED = b"\x78", b"\x1f\x8b", zlib.MAX_WBITS | 32  # 32: zlib and gzip headers are told apart by zlib
INFLATED_MAX: Final = 1 << 20
_COMPRESSED: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")


@dataclass(frozen=True)
class Canary:
    """One secret value. `is_binary`: its hex is given, and its bytes are the secret itself."""

    name: str
    value: str
    is_binary: bool = False

    @cached_property
    def forms(self) -> Mapping[str, frozenset[bytes]]:
        """Every form, and the bytes that give it away."""
        found: dict[str, set[bytes]] = {}
        for base, data in self._bytes():
            for form, needle in _written(base, data):
                if len(needle) >= SHORTEST:
                    found.setdefault(form, set()).add(needle)
        return {form: frozenset(needles) for form, needles in found.items()}

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """All needles at once: one pass over a file instead of thirty."""
        return re.compile(b"|".join(map(re.escape, sorted({n for needles in self.forms.values() for n in needles}))))

    def _bytes(self) -> Iterator[tuple[str, bytes]]:
        text = self.value.encode()
        yield "clear", text
        if self.value != self.value.lower():
            yield "clear", self.value.lower().encode()
        if not self.is_binary:
            yield "EBCDIC", self.value.encode("cp500")
        for nibbles in _nibbles(self.value):
            packed = bytes.fromhex(nibbles)
            yield "BCD", packed
            yield "nibbles swapped", bytes((byte << 4 | byte >> 4) & 0xFF for byte in packed)


def _nibbles(value: str) -> set[str]:
    """The value as half-bytes, where it can be: a separator is written D or E, an odd one is padded on either side."""
    digits = value.upper().replace("=", "D")
    if set(digits) - set("0123456789ABCDEF"):
        return set()
    # Whatever fills up the half-bytes at its ends, the whole bytes in between are the same.
    return {digits, digits[1:-1]} if len(digits) % 2 == 0 else {digits[:-1], digits[1:]}


def _written(base: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes themselves, and the ways in which programs write bytes down."""
    yield base, data
    for order in ("utf-16-le", "utf-16-be"):
        if base == "clear":
            yield "UTF-16", data.decode("ascii").encode(order)
    yield f"hex of {base}", data.hex().encode()
    yield f"HEX of {base}", data.hex().upper().encode()
    for needle in _base64(data):
        yield f"base64 of {base}", needle
        yield f"base64 of {base}", needle.translate(bytes.maketrans(b"+/", b"-_"))


def _base64(data: bytes) -> Iterator[bytes]:
    """What base64 makes of the bytes at each of the three alignments, without what depends on the neighbours."""
    for before in range(3):
        written = base64.b64encode(bytes(before) + data).rstrip(b"=")
        begin = (before * 8 + 5) // 6  # the first character made of our bits alone
        end = (before + len(data)) * 8 // 6
        yield written[begin:end]


@dataclass(frozen=True)
class Hit:
    """A secret where it must not be. Prints its name, form and place; a failing test must not betray it either."""

    canary: str
    form: str
    where: str
    offset: int


def found_in(data: bytes, canaries: Iterable[Canary], where: str = "") -> list[Hit]:
    """Every canary in there, in whatever form; compressed blocks are opened."""
    canaries = tuple(canaries)
    hits = [hit for block, place in _blocks(data, where) for hit in _hits(block, canaries, place)]
    return sorted(hits, key=lambda hit: (hit.where, hit.offset, hit.canary))


def _hits(data: bytes, canaries: tuple[Canary, ...], where: str) -> Iterator[Hit]:
    for canary in canaries:
        if match := canary.pattern.search(data):
            form = next(form for form, needles in canary.forms.items() if match.group() in needles)
            yield Hit(canary.name, form, where, match.start())


def _blocks(data: bytes, where: str) -> Iterator[tuple[bytes, str]]:
    yield data, where
    for match in _COMPRESSED.finditer(data):
        try:
            inflated = zlib.decompressobj(DEFLATED).decompress(data[match.start() :], INFLATED_MAX)
        except zlib.error:
            continue  # two bytes that only looked like a beginning
        if len(inflated) >= SHORTEST:
            yield inflated, f"{where}, compressed at {match.start()}"
