"""The seal on a batch: unreadable without the data key, bound to its place and to the batch before.

AES-256-GCM (NIST SP 800-38D) under a key derived from the data key (HKDF, RFC 5869). The additional
data names the place: sequence number, first record, count, and the chain value of the batch before.
The chain value of a batch is its own authentication tag, so each batch vouches for all earlier ones,
and a batch that was changed, moved, doubled or left out breaks the seal of the next.

No file and no database here; the nonce's randomness comes in as an argument.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DATA_KEY_BYTES: Final = 32
CHAIN_BYTES: Final = 16  # a GCM tag
NONCE_BYTES: Final = 12  # the 96 bits for which GCM is made
TOKEN_BYTES: Final = 16  # 128 bits: no two cards share a token
GENESIS: Final = bytes(CHAIN_BYTES)  # what the first batch takes for the chain value before it

# Random nonces are good for 2**32 uses of one key (SP 800-38D, 8.3); a key for each million batches stays far below.
BATCHES_PER_KEY_BITS: Final = 20

PLACE: Final = struct.Struct(f">QQI{CHAIN_BYTES}s")


class BrokenSealError(Exception):
    """What was opened is not what was sealed there."""


class Place(NamedTuple):
    """Where a batch stands. A tuple, because one is made for every commit."""

    seq: int
    first: int  # the number of its first record, counted from 1 over the whole journal
    records: int  # how many it holds
    previous: bytes  # the chain value of the batch before

    def following(self, chain: bytes) -> tuple[int, int, bytes]:
        """(sequence number, first record, previous chain value) of the batch after this one."""
        return self.seq + 1, self.first + self.records, chain


class Seal:
    """Seals and opens batches.

    >>> seal = Seal(bytes(32))
    >>> place = Place(seq=1, first=1, records=1, previous=GENESIS)
    >>> chain, sealed = seal.seal(place, b"a batch")
    >>> seal.open(place, chain, sealed)
    b'a batch'
    >>> seal.open(place._replace(seq=2), chain, sealed)
    Traceback (most recent call last):
    ...
    switch.store.seal.BrokenSealError: the seal of batch 2 is broken
    """

    def __init__(self, data_key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self._data_key = data_key
        self._random = random
        self._cipher_range = -1
        self._cipher = AESGCM(data_key)  # replaced before its first use

    def seal(self, place: Place, batch: bytes) -> tuple[bytes, bytes]:
        """(chain value, sealed batch)."""
        nonce = self._random(NONCE_BYTES)
        sealed = self._cipher_for(place.seq).encrypt(nonce, batch, PLACE.pack(*place))
        return sealed[-CHAIN_BYTES:], nonce + sealed[:-CHAIN_BYTES]

    def open(self, place: Place, chain: bytes, sealed: bytes) -> bytes:
        """The batch, exactly as it was sealed at this place. Raises BrokenSealError."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher_for(place.seq).decrypt(nonce, body + chain, PLACE.pack(*place))
        except (InvalidTag, ValueError, struct.error):
            raise BrokenSealError(f"the seal of batch {place.seq} is broken") from None

    def _cipher_for(self, seq: int) -> AESGCM:
        number = seq >> BATCHES_PER_KEY_BITS
        if number != self._cipher_range:
            self._cipher = AESGCM(derived(self._data_key, f"journal {number}"))
            self._cipher_range = number
        return self._cipher


class Tokens:
    """A keyed token instead of a card number: the same card gives the same token, and nobody can go back.

    >>> tokens = Tokens(bytes(32))
    >>> tokens.token("9414100000000017") == tokens.token("9414100000000017")
    True
    >>> len(tokens.token("9414100000000017"))
    16
    """

    def __init__(self, data_key: bytes) -> None:
        self._key = derived(data_key, "card tokens")

    def token(self, pan: str) -> bytes:
        """The token of these digits."""
        return hmac.digest(self._key, pan.encode("ascii"), "sha256")[:TOKEN_BYTES]


def derived(data_key: bytes, purpose: str) -> bytes:
    """A key for one purpose only, so that no key is ever used for two."""
    info = f"payswitch {purpose}".encode("ascii")
    return HKDF(hashes.SHA256(), length=DATA_KEY_BYTES, salt=None, info=info).derive(data_key)
