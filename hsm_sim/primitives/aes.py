"""AES: keys of 128, 192 or 256 bits with one cached context each way, CMAC from a keyed copy, check values.

An ECB context keeps no state between whole blocks, so one serves every caller;
a copy of a keyed CMAC costs a fifth of a new one.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
LENGTHS = (16, 24, 32)


class AesKey:
    """A key ready to use. Never shows itself."""

    __slots__ = ("_cmac", "clear", "decrypt", "encrypt")

    def __init__(self, clear: bytes) -> None:
        if len(clear) not in LENGTHS:
            raise ValueError("an AES key has 16, 24 or 32 bytes")
        cipher = Cipher(AES(clear), modes.ECB())
        self.clear = clear
        self.encrypt = cipher.encryptor().update
        self.decrypt = cipher.decryptor().update
        self._cmac = CMAC(AES(clear))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.clear)} bytes>"

    def cmac(self, message: bytes) -> bytes:
        """The sixteen bytes of the CMAC (NIST SP 800-38B).

        >>> AesKey(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")).cmac(b"").hex()
        'bb1d6929e95937287fa37d129b756746'
        """
        context = self._cmac.copy()
        context.update(message)
        return context.finalize()

    def encrypt_cbc(self, data: bytes, iv: bytes) -> bytes:
        """Whole blocks, chained."""
        encryptor = Cipher(AES(self.clear), modes.CBC(iv)).encryptor()
        return encryptor.update(data) + encryptor.finalize()

    def decrypt_cbc(self, data: bytes, iv: bytes) -> bytes:
        """Whole blocks, unchained."""
        decryptor = Cipher(AES(self.clear), modes.CBC(iv)).decryptor()
        return decryptor.update(data) + decryptor.finalize()


def check_value(key: AesKey) -> str:
    """The key check value (KCV): the CMAC of sixteen zero bytes, 32 hex digits; six of them are quoted.

    >>> check_value(AesKey(bytes(16)))[:6]
    '763CBC'
    """
    return key.cmac(bytes(BLOCK)).hex().upper()
