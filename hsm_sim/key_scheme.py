"""Key schemes: how a DES key is encrypted under a double-length key, an LMK pair or a ZMK, and how it is written.

    16H or Z+16H   single length, plain ECB
    U+32H          double length, part i under the key with byte 8 XOR A6, 5A
    T+48H          triple length, part i with byte 8 XOR 6A, DE, 2B
    32H or X+32H   double length, plain ECB (ANSI X9.17); Y+48H triple

Bytes count from 0. Key blocks (S, R) are another thing and not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hsm_sim.primitives.des import BLOCK, DesKey
from protocols.hsm.fields import KEY_BLOCK_SCHEMES

VARIANT_BYTE = 8


@dataclass(frozen=True, slots=True)
class KeyScheme:
    """One row of the table: the letter, the key length in bytes, what is XORed into byte 8 for each part."""

    letter: str
    length: int
    variants: tuple[int, ...] = ()  # none: plain ECB
    tag: bool = True  # whether the letter is written in front

    @property
    def is_x9_17(self) -> bool:
        """Plain ECB over more than one part."""
        return not self.variants and self.length > BLOCK


KEY_SCHEMES: Mapping[str, KeyScheme] = {
    scheme.letter: scheme
    for scheme in (
        KeyScheme("Z", 8, tag=False),
        KeyScheme("U", 16, (0xA6, 0x5A)),
        KeyScheme("T", 24, (0x6A, 0xDE, 0x2B)),
        KeyScheme("X", 16),
        KeyScheme("Y", 24),
    )
}
_BARE = {16: "Z", 32: "X", 48: "Y"}


def is_key_block(wire: str) -> bool:
    """Whether a key as it travels is a block with a header, which a variant LMK cannot open."""
    return wire[0] in KEY_BLOCK_SCHEMES


def parse(wire: str) -> tuple[KeyScheme, bytes]:
    """The scheme of a key as it travels, and its encrypted bytes.

    >>> scheme, _ = parse("U" + "0" * 32); scheme.letter, scheme.length
    ('U', 16)
    >>> parse("0" * 32)[0].letter
    'X'
    """
    if wire[0] in KEY_SCHEMES:
        return KEY_SCHEMES[wire[0]], bytes.fromhex(wire[1:])
    return KEY_SCHEMES[_BARE[len(wire)]], bytes.fromhex(wire)


def written(scheme: KeyScheme, encrypted: bytes) -> str:
    """A key as it travels."""
    return (scheme.letter if scheme.tag else "") + encrypted.hex().upper()


def wrap(under: bytes, scheme: KeyScheme, clear: bytes) -> str:
    """A clear key of the scheme's length, encrypted under a key of at least double length and written."""
    parts = _parts(clear)
    keys = _keys(under, scheme)
    return written(scheme, b"".join(key.encrypt(part) for key, part in zip(keys, parts, strict=True)))


def unwrap(under: bytes, scheme: KeyScheme, encrypted: bytes) -> bytes:
    """The clear key again (or noise, when `under` is another key: look at its parity)."""
    parts = _parts(encrypted)
    keys = _keys(under, scheme)
    return b"".join(key.decrypt(part) for key, part in zip(keys, parts, strict=True))


def _parts(key: bytes) -> list[bytes]:
    return [key[at : at + BLOCK] for at in range(0, len(key), BLOCK)]


def _keys(under: bytes, scheme: KeyScheme) -> list[DesKey]:
    variants = scheme.variants or (0,) * (scheme.length // BLOCK)
    return [DesKey(_varied(under, variant)) for variant in variants]


def _varied(key: bytes, variant: int) -> bytes:
    return key[:VARIANT_BYTE] + bytes((key[VARIANT_BYTE] ^ variant,)) + key[VARIANT_BYTE + 1 :]
