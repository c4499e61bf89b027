"""What a chip computes: its own master key, a key for each transaction, the cryptogram, the issuer's answer.

As EMV 4.3 book 2 (8.1, 8.2, A1.3, A1.4) says; bytes in, bytes out. The issuer's host asks an HSM about the same
things: this is the other side of it, made apart from it, so that each holds the other to account.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

BLOCK: Final = 8
DOUBLE: Final = 16
VIS, MCHIP = "vis", "mchip"


def encrypted(key: bytes, data: bytes) -> bytes:
    """Triple DES with a key of double length, block by block."""
    return Cipher(TripleDES(key + key[:BLOCK]), modes.ECB()).encryptor().update(data)


def decrypted(key: bytes, data: bytes) -> bytes:
    """The way back."""
    return Cipher(TripleDES(key + key[:BLOCK]), modes.ECB()).decryptor().update(data)


def encrypted_once(key: bytes, data: bytes) -> bytes:
    """Single DES, which is triple DES with the same key three times."""
    return Cipher(TripleDES(key * 3), modes.ECB()).encryptor().update(data)


def decrypted_once(key: bytes, data: bytes) -> bytes:
    """The way back."""
    return Cipher(TripleDES(key * 3), modes.ECB()).decryptor().update(data)


def xor(left: bytes, right: bytes) -> bytes:
    """Of equal length."""
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def card_key(issuer_key: bytes, pan: str, sequence: str) -> bytes:
    """The card's master key by option A: of the 16 rightmost digits of PAN and sequence number.

    >>> card_key(bytes(range(16)), "9414300000000013", "01").hex()[:8]
    '9ec4c145'
    """
    block = bytes.fromhex((pan + sequence)[-2 * BLOCK :].rjust(2 * BLOCK, "0"))
    return _odd(encrypted(issuer_key, block + xor(block, b"\xff" * BLOCK)))


def cryptogram(key: bytes, scheme: str, counter: int, unpredictable: bytes, data: bytes) -> bytes:
    """ARQC, TC or AAC: eight bytes over what EMV book 2, 8.1.1 lists. VIS: cryptogram version 10."""
    if scheme == VIS:
        return mac(key, data + bytes(-len(data) % BLOCK))
    session = _session_key(key, counter.to_bytes(2, "big") + bytes(2) + unpredictable)
    return mac(session, data + b"\x80" + bytes(-(len(data) + 1) % BLOCK))


def answer_of(key: bytes, arqc: bytes, code: bytes) -> bytes:
    """What a genuine issuer answers to a cryptogram with a response code: ARPC by method 1 (8.2.1)."""
    return encrypted(key, xor(arqc, code + bytes(BLOCK - len(code))))


def mac(key: bytes, padded: bytes) -> bytes:
    """The retail MAC, ISO 9797-1 algorithm 3: single DES all along, triple DES at the end."""
    left, right = key[:BLOCK], key[BLOCK:]
    value = bytes(BLOCK)
    for at in range(0, len(padded), BLOCK):
        value = encrypted_once(left, xor(value, padded[at : at + BLOCK]))
    return encrypted_once(left, decrypted_once(right, value))


def _session_key(key: bytes, diversification: bytes) -> bytes:
    """A1.3.1, with the diversification of Mastercard's own: counter, two zeros, unpredictable number."""
    left = diversification[:2] + b"\xf0" + diversification[3:]
    right = diversification[:2] + b"\x0f" + diversification[3:]
    return _odd(encrypted(key, left + right))


def _odd(key: bytes) -> bytes:
    """Every byte with an odd number of ones, as keys of DES have it."""
    return bytes(byte ^ (1 if byte.bit_count() % 2 == 0 else 0) for byte in key)
