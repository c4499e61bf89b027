"""The seal of a message (DE 64, DE 128) in the tester: made over each message as it goes out, looked at as it comes in.

ISO 9797-1, algorithm 1 or 3 over DES, padding 1 or 2, as agreed with the host. A tester has the key of a test in clear.
Which bytes are covered is `protocols.seal`'s. Pure.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from loadtest.chip import BLOCK, retail_mac
from protocols.message import Message
from protocols.seal import DIGITS, seal_of

RETAIL = "3"  # the algorithm of ISO 9797-1; 1 chains all along


class Macs:
    """MACs under one key. Prints without it.

    >>> macs = Macs("0123456789ABCDEFFEDCBA9876543210", "3", "1", 16)
    >>> macs.of(b"Now is the time for all ")
    'A1C72E74EA3FA9B6'
    >>> macs
    <Macs>
    """

    def __init__(self, key: str, algorithm: str, padding: str, digits: int) -> None:
        """`key`: 32 hex digits, in clear."""
        self._key = bytes.fromhex(key)
        self._algorithm, self._padding, self._digits = algorithm, padding, digits

    def __repr__(self) -> str:
        return "<Macs>"

    def of(self, covered: bytes) -> str:
        """Sixteen hex digits; a short MAC stands at the front, zeros behind it."""
        marked = covered + b"\x80" if self._padding == "2" else covered
        blocks = marked + bytes(-len(marked) % BLOCK)
        if self._algorithm == RETAIL:
            value = retail_mac(self._key, blocks)
        else:
            whole = TripleDES(self._key + self._key[:BLOCK])
            value = Cipher(whole, modes.CBC(bytes(BLOCK))).encryptor().update(blocks)[-BLOCK:]
        return value.hex().upper()[: self._digits].ljust(DIGITS, "0")

    def is_right(self, answer: Message) -> bool:
        """Whether an answer has a seal, and it is of the bytes that came."""
        seal = seal_of(answer)
        return seal is not None and hmac.compare_digest(self.of(seal.covered), seal.mac)
