"""A secret at rest: AES-256-GCM under a key that scrypt makes from a passphrase (RFC 7914).

What the secret is about travels in clear beside it and is bound to it: changed,
it does not open. The cost stands with the result, so it may be raised later.
"""

import os
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

COST: Final = 2**16  # 64 MiB and a fifth of a second for each guess
COST_LEAST, COST_MOST = 2**10, 2**20  # a file that asks for more would be an attack on our memory
BLOCK_SIZE, PARALLEL = 8, 1
SALT_LENGTH, NONCE_LENGTH, KEY_LENGTH = 16, 12, 32


class LockedError(ValueError):
    """Not this passphrase, or not what was locked."""


def locked(passphrase: str, secret: bytes, about: bytes, cost: int = COST) -> dict[str, str]:
    """The secret, encrypted, as what a JSON file can hold.

    >>> box = locked("correct horse battery", b"secret", b"LMK 10", cost=COST_LEAST)
    >>> unlocked("correct horse battery", box, b"LMK 10")
    b'secret'
    """
    salt, nonce = os.urandom(SALT_LENGTH), os.urandom(NONCE_LENGTH)
    encrypted = AESGCM(_key(passphrase, salt, cost)).encrypt(nonce, secret, about)
    return {"kdf": "scrypt", "cost": str(cost), "salt": salt.hex(), "nonce": nonce.hex(), "secret": encrypted.hex()}


def unlocked(passphrase: str, box: Mapping[str, str], about: bytes) -> bytes:
    """The secret again. Raises LockedError."""
    try:
        cost = int(box["cost"])
        salt, nonce, encrypted = (bytes.fromhex(box[name]) for name in ("salt", "nonce", "secret"))
    except (KeyError, ValueError, TypeError):
        raise LockedError("unreadable") from None
    if not COST_LEAST <= cost <= COST_MOST or cost & (cost - 1) or len(nonce) != NONCE_LENGTH:
        raise LockedError("unreadable")
    try:
        return AESGCM(_key(passphrase, salt, cost)).decrypt(nonce, encrypted, about)
    except InvalidTag:
        raise LockedError("passphrase, or the file was changed") from None


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=KEY_LENGTH, n=cost, r=BLOCK_SIZE, p=PARALLEL).derive(passphrase.encode())
