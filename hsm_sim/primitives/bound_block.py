"""What binds a key to its header in a key block: encryption and MAC of each version of Thales' and of TR-31's.

    0 A C   3DES  two variants (XOR 45, XOR 4D); IV: the header's first 8; CBC-MAC, 4 bytes, over header and ciphertext
    1       AES   two keys derived by CMAC; IV: the header's first 16; CMAC, 8 bytes, over header and ciphertext
    B       3DES  two keys derived by CMAC; IV: the MAC; CMAC, 8 bytes, over header and plaintext
    D       AES   two keys derived by CMAC; IV: the MAC; CMAC, 16 bytes, over header and plaintext

After ANSI X9.143 (TR-31) and, for 0 and 1, the design's own account of Thales'
blocks. Header and clear field come in as bytes; what stands in them is not known here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import ClassVar

from hsm_sim.primitives import aes, des
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey, xor

ENCRYPTS, AUTHENTICATES = b"\x00\x00", b"\x00\x01"  # what a derived key is for
# Algorithm and length in bits, as the derivation says them: by the protection key's length.
_DES_OF_LENGTH = {16: b"\x00\x00\x00\x80", 24: b"\x00\x01\x00\xc0"}
_AES_OF_LENGTH = {16: b"\x00\x02\x00\x80", 24: b"\x00\x03\x00\xc0", 32: b"\x00\x04\x01\x00"}


class UnboundError(ValueError):
    """The MAC does not hold: not this header, not this key, or not this block."""


class Binding(ABC):
    """One version under one protection key."""

    block: ClassVar[int]
    mac_length: ClassVar[int]

    def __init__(self, encrypts: DesKey | AesKey, authenticates: DesKey | AesKey) -> None:
        self._encrypts = encrypts
        self._authenticates = authenticates

    @abstractmethod
    def bound(self, header: bytes, clear: bytes) -> bytes:
        """Ciphertext and MAC of a clear field of whole blocks."""

    @abstractmethod
    def unbound(self, header: bytes, tail: bytes) -> bytes:
        """The clear field again. Raises UnboundError."""

    def _parts(self, tail: bytes) -> tuple[bytes, bytes]:
        return tail[: -self.mac_length], tail[-self.mac_length :]


class _OverCiphertext(Binding):
    """Encrypt, then MAC what was encrypted."""

    def bound(self, header: bytes, clear: bytes) -> bytes:
        encrypted = self._encrypts.encrypt_cbc(clear, header[: self.block])
        return encrypted + self._mac(header + encrypted)

    def unbound(self, header: bytes, tail: bytes) -> bytes:
        encrypted, mac = self._parts(tail)
        if not compare_digest(self._mac(header + encrypted), mac):
            raise UnboundError("authenticator")
        return self._encrypts.decrypt_cbc(encrypted, header[: self.block])

    @abstractmethod
    def _mac(self, message: bytes) -> bytes: ...


class _OverPlaintext(Binding):
    """MAC what is clear; the MAC is the IV."""

    def bound(self, header: bytes, clear: bytes) -> bytes:
        mac = self._authenticates.cmac(header + clear)
        return self._encrypts.encrypt_cbc(clear, mac) + mac

    def unbound(self, header: bytes, tail: bytes) -> bytes:
        encrypted, mac = self._parts(tail)
        clear = self._encrypts.decrypt_cbc(encrypted, mac)
        if not compare_digest(self._authenticates.cmac(header + clear), mac):
            raise UnboundError("authenticator")
        return clear


class VariantBinding(_OverCiphertext):
    """Thales' version 0, TR-31's A and C."""

    block, mac_length = des.BLOCK, 4

    def __init__(self, key: DesKey) -> None:
        encrypts, authenticates = (DesKey(xor(key.clear, byte * len(key.clear))) for byte in (b"\x45", b"\x4d"))
        super().__init__(encrypts, authenticates)

    def _mac(self, message: bytes) -> bytes:
        message += bytes(-len(message) % des.BLOCK)
        chained = self._authenticates.encrypt_cbc(message, bytes(des.BLOCK))
        return chained[-des.BLOCK :][: self.mac_length]


class AesBinding(_OverCiphertext):
    """Thales' version 1."""

    block, mac_length = aes.BLOCK, 8

    def __init__(self, key: AesKey) -> None:
        super().__init__(AesKey(_derived(key, ENCRYPTS)), AesKey(_derived(key, AUTHENTICATES)))

    def _mac(self, message: bytes) -> bytes:
        return self._authenticates.cmac(message)[: self.mac_length]


class Tr31DesBinding(_OverPlaintext):
    """TR-31's B."""

    block, mac_length = des.BLOCK, 8

    def __init__(self, key: DesKey) -> None:
        super().__init__(DesKey(_derived(key, ENCRYPTS)), DesKey(_derived(key, AUTHENTICATES)))


class Tr31AesBinding(_OverPlaintext):
    """TR-31's D."""

    block, mac_length = aes.BLOCK, 16

    def __init__(self, key: AesKey) -> None:
        super().__init__(AesKey(_derived(key, ENCRYPTS)), AesKey(_derived(key, AUTHENTICATES)))


_UNDER_DES: Mapping[str, Callable[[DesKey], Binding]] = {
    "0": VariantBinding,
    "A": VariantBinding,
    "C": VariantBinding,
    "B": Tr31DesBinding,
}
_UNDER_AES: Mapping[str, Callable[[AesKey], Binding]] = {"1": AesBinding, "D": Tr31AesBinding}


def binding(version: str, key: DesKey | AesKey) -> Binding | None:
    """What binds blocks of this version under this key; None where the version wants a key of the other sort."""
    if isinstance(key, AesKey):
        return _UNDER_AES[version](key) if version in _UNDER_AES else None
    return _UNDER_DES[version](key) if version in _UNDER_DES else None


def _derived(key: DesKey | AesKey, used_for: bytes) -> bytes:
    """A key as long as `key`: CMAC in counter mode over exactly eight bytes: counter, use, 00, algorithm, length."""
    of_length = _AES_OF_LENGTH if isinstance(key, AesKey) else _DES_OF_LENGTH
    tail = used_for + b"\x00" + of_length[len(key.clear)]
    parts = [key.cmac(bytes((counter,)) + tail) for counter in (1, 2, 3)]
    return b"".join(parts)[: len(key.clear)]
