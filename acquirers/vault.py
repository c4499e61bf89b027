"""The vault: card numbers of internet shops, kept as tokens that are worth nothing elsewhere.

What is sealed here is AES-256-GCM under a data key that lies on disk only wrapped by the HSM
(`data_key`). Every sealed value is bound to what it belongs to, so that one row's card cannot be
copied into another's. Pure: the data key and randomness come in as arguments; where the sealed
bytes lie is the books' business. A card verification code is never sealed: it is never kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12  # NIST SP 800-38D, 8.2.2: random nonces of 96 bits, at most 2**32 under one key

Randomness = Callable[[int], bytes]


class VaultError(Exception):
    """What lies in the books was not sealed under this key, or not for this place."""


class Vault:
    """Seals and opens under one data key.

    >>> vault = Vault(bytes(32), lambda count: bytes(count))
    >>> sealed = vault.seal(b"9414100000000017", "tok_1")
    >>> b"9414" in sealed, vault.open(sealed, "tok_1")
    (False, b'9414100000000017')
    >>> vault.open(sealed, "tok_2")
    Traceback (most recent call last):
    acquirers.vault.VaultError: not sealed for tok_2 under this key
    """

    __slots__ = ("_aead", "_naming", "_randomness")

    def __init__(self, data_key: bytes, randomness: Randomness) -> None:
        """`data_key`: 32 bytes. `randomness`: so many unpredictable bytes."""
        if len(data_key) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes")
        # One key, one use: what seals does not also name.
        self._aead = AESGCM(hmac.digest(data_key, b"sealing", hashlib.sha256))
        self._naming = hmac.digest(data_key, b"naming", hashlib.sha256)
        self._randomness = randomness

    def __repr__(self) -> str:
        return "<Vault>"

    def seal(self, clear: bytes, about: str) -> bytes:
        """Nonce and ciphertext, bound to `about`."""
        nonce = self._randomness(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, clear, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """The clear bytes; VaultError when they were not sealed for `about` under this key."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError):
            raise VaultError(f"not sealed for {about} under this key") from None

    def name_of(self, clear: bytes, among: str) -> str:
        """The same value among the same things has the same name, and the name does not lead back.

        >>> vault = Vault(bytes(32), lambda count: bytes(count))
        >>> vault.name_of(b"1", "shop") == vault.name_of(b"1", "shop") != vault.name_of(b"1", "other")
        True
        """
        return hmac.digest(self._naming, among.encode() + b"\0" + clear, hashlib.sha256).hex()[:32]
