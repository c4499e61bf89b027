"""A secret of any length under a DES key: length, secret, zeros, in CBC, and the CMAC of what was encrypted.

This form is ours: how devices keep RSA private keys under a variant LMK is not
published. Encryption and CMAC use two variants of the key.
"""

from hmac import compare_digest

from hsm_sim.primitives.des import BLOCK, DesKey, xor

ENCRYPTS, AUTHENTICATES = b"\x45", b"\x4d"


class NotEnclosedError(ValueError):
    """Nothing that was enclosed under this key."""


def enclosed(under: DesKey, secret: bytes) -> bytes:
    """The secret, encrypted and authenticated.

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    >>> disclosed(key, enclosed(key, b"secret"))
    b'secret'
    """
    clear = len(secret).to_bytes(2, "big") + secret
    encrypted = _varied(under, ENCRYPTS).encrypt_cbc(clear + bytes(-len(clear) % BLOCK), bytes(BLOCK))
    return encrypted + _varied(under, AUTHENTICATES).cmac(encrypted)


def disclosed(under: DesKey, value: bytes) -> bytes:
    """The secret again. Raises NotEnclosedError."""
    encrypted, mac = value[:-BLOCK], value[-BLOCK:]
    if not encrypted or len(encrypted) % BLOCK:
        raise NotEnclosedError("length")
    if not compare_digest(_varied(under, AUTHENTICATES).cmac(encrypted), mac):
        raise NotEnclosedError("authenticator")
    clear = _varied(under, ENCRYPTS).decrypt_cbc(encrypted, bytes(BLOCK))
    return clear[2 : 2 + int.from_bytes(clear[:2], "big")]


def _varied(key: DesKey, variant: bytes) -> DesKey:
    return DesKey(xor(key.clear, variant * len(key.clear)))
