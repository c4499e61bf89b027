"""The sealer: makes the MAC of what a gateway sends, and looks at the MAC of what it hears.

Pure. ISO 9797-1, algorithm 1 (CBC-MAC) or 3 (the retail MAC of ANSI X9.19) over DES, padding 1 or 2, as the agreement
says. It knows the key in clear, as a test's own end may; it shows it to nobody. Which bytes are covered is
`protocols.seal`'s.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes

from protocols.participant import Mac
from protocols.seal import DIGITS, Seal

BLOCK = 8


class Sealer:
    """Seals under one key.

    >>> key = "0123456789ABCDEFFEDCBA9876543210"
    >>> Sealer(key, Mac()).mac(b"Now is the time for all ")
    'A1C72E74EA3FA9B6'
    >>> Sealer(key, Mac())
    <Sealer>
    """

    __slots__ = ("_agreed", "_first", "_second")

    def __init__(self, key: str, agreed: Mac) -> None:
        """`key`: double length, 32 hex digits, in clear."""
        try:
            clear = bytes.fromhex(key)
        except ValueError:
            clear = b""
        if len(clear) != 2 * BLOCK or len(key) != 2 * len(clear):
            raise ValueError("a MAC key is 32 hex digits")
        self._first, self._second = clear[:BLOCK], clear[BLOCK:]
        self._agreed = agreed

    def mac(self, covered: bytes) -> str:
        """As many hex digits as are agreed."""
        blocks = padded(covered, self._agreed.padding)
        if self._agreed.algorithm == "1":
            value = _chained(self._first + self._second + self._first, blocks)
        else:
            value = _chained(self._first * 3, blocks)
            value = _single(self._first).update(_single(self._second, back=True).update(value))
        return value.hex().upper()[: self._agreed.digits]

    def is_right(self, seal: Seal | None) -> bool:
        """Whether a seal is of the bytes that it came with."""
        return seal is not None and hmac.compare_digest(self.mac(seal.covered).ljust(DIGITS, "0"), seal.mac)

    def __repr__(self) -> str:
        return "<Sealer>"


def padded(data: bytes, method: str) -> bytes:
    """Whole blocks: zeros behind, or a one bit and zeros.

    >>> padded(b"12345678", "1") == b"12345678", padded(b"", "2").hex()
    (True, '8000000000000000')
    """
    if method == "2":
        data += b"\x80"
    return data + bytes(-len(data) % BLOCK)


def _chained(key: bytes, blocks: bytes) -> bytes:
    return Cipher(TripleDES(key), modes.CBC(bytes(BLOCK))).encryptor().update(blocks)[-BLOCK:]


def _single(half: bytes, *, back: bool = False) -> CipherContext:
    """One DES: triple DES with the same key three times."""
    cipher = Cipher(TripleDES(half * 3), modes.ECB())
    return cipher.decryptor() if back else cipher.encryptor()
