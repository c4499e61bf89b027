"""Hashes by name, HMAC over them, and MDC-2.

SHA-1 and MD5 are here because hosts still ask for them, not because they should.
"""

import hashlib
import hmac

from hsm_sim.primitives.des import BLOCK, DesKey, xor

HASHES = ("sha1", "md5", "sha224", "sha256", "sha384", "sha512")
_MDC2_START = (b"\x52" * BLOCK, b"\x25" * BLOCK)


def digest(name: str, message: bytes) -> bytes:
    """The hash of a message; `name` is one of HASHES or "mdc2".

    >>> digest("sha1", b"abc").hex()
    'a9993e364706816aba3e25717850c26c9cd0d89d'
    """
    if name == "mdc2":
        return mdc2(message)
    return hashlib.new(name, message, usedforsecurity=False).digest()


def hmac_of(key: bytes, name: str, message: bytes) -> bytes:
    """The HMAC (FIPS 198-1), as long as the hash.

    >>> hmac_of(b"Jefe", "sha256", b"what do ya want for nothing?").hex()[:16]
    '5bdcc146bf60754e'
    """
    return hmac.digest(key, message, name)


def mdc2(message: bytes) -> bytes:
    """MDC-2 of ISO 10118-2 with DES: sixteen bytes; the last block is filled with zeros.

    >>> mdc2(b"Now is the time for all ").hex()
    '42e50cd224baceba760bdd2bd409281a'
    """
    left, right = _MDC2_START
    message += bytes(-len(message) % BLOCK)
    for at in range(0, len(message), BLOCK):
        block = message[at : at + BLOCK]
        one, other = _mdc2_step(left, 0x40, block), _mdc2_step(right, 0x20, block)
        left, right = one[:4] + other[4:], other[:4] + one[4:]
    return left + right


def _mdc2_step(chain: bytes, mark: int, block: bytes) -> bytes:
    key = bytes(((chain[0] & 0x9F) | mark,)) + chain[1:]
    return xor(DesKey(key).encrypt(block), block)
