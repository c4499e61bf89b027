"""Data enciphered with DES or AES: ECB, CBC, CFB with 8 bits and with whole blocks, there and back, in parts.

The chain value after a part is what the next part takes as its IV: the last
block of ciphertext (for CFB with 8 bits the last bytes of it, shifted in). ISO/IEC 10116.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB, CFB8
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DOUBLE, SINGLE, TRIPLE, DesKey
from hsm_sim.primitives.mac import block_of


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode of operation: its name, whether it takes an IV and whole blocks only, what `cryptography` calls it."""

    name: str
    chained: bool = True
    whole_blocks: bool = True
    of: type[CBC] | type[CFB] | type[CFB8] | None = None


ECB_MODE = Mode("ECB", chained=False)
MODES: Mapping[str, Mode] = {
    mode.name: mode
    for mode in (
        ECB_MODE,
        Mode("CBC", of=CBC),
        Mode("CFB8", whole_blocks=False, of=CFB8),
        Mode("CFB", whole_blocks=False, of=CFB),
    )
}


def enciphered(key: DesKey | AesKey, mode: Mode, clear: bytes, iv: bytes) -> bytes:
    """As many bytes as came in. `iv` is one block, and not looked at by ECB.

    >>> key = DesKey(bytes.fromhex("0123456789ABCDEF"))
    >>> enciphered(key, MODES["CBC"], b"Now is the time ", bytes.fromhex("1234567890ABCDEF")).hex()
    'e5c7cdde872bf27c43e934008c389c0f'
    """
    _fits(key, mode, clear)
    if mode.of is None:
        return key.encrypt(clear)
    context = Cipher(_algorithm(key), mode.of(iv)).encryptor()
    return context.update(clear) + context.finalize()


def deciphered(key: DesKey | AesKey, mode: Mode, data: bytes, iv: bytes) -> bytes:
    """The way back."""
    _fits(key, mode, data)
    if mode.of is None:
        return key.decrypt(data)
    context = Cipher(_algorithm(key), mode.of(iv)).decryptor()
    return context.update(data) + context.finalize()


def chain_value(data: bytes, iv: bytes) -> bytes:
    """What the next part takes as its IV after these bytes of ciphertext.

    >>> chain_value(b"abc", b"12345678")
    b'45678abc'
    """
    return (iv + data)[-len(iv) :]


def _fits(key: DesKey | AesKey, mode: Mode, data: bytes) -> None:
    if mode.whole_blocks and len(data) % block_of(key):
        raise ValueError(f"{mode.name} takes whole blocks")


def _algorithm(key: DesKey | AesKey) -> TripleDES | AES:
    if isinstance(key, AesKey):
        return AES(key.clear)
    length = len(key.clear)
    return TripleDES(key.clear + key.clear[:SINGLE] if length == DOUBLE else (key.clear * 3)[:TRIPLE])
