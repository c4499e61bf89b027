"""Thales key blocks (scheme S): a clear header that says what a key is for, the key encrypted, and a MAC over both.

    S  version 1  length 4N  usage 2  algorithm 1  mode 1  key version 2  exportability 1  optional blocks 2N
       LMK id 2  [optional blocks]  encrypted key, hex  authenticator, hex

Version 0 stands under a 3DES key (an LMK or a ZMK), version 1 under an AES key.
The clear field is the key's length in bits, the key, and random padding. Nothing
a header says is believed before the MAC holds. Whether a command may use such a
key is for `keys.py`; TR-31 blocks (scheme R) are in `primitives/tr31.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hmac import compare_digest

from hsm_sim.errors import RefusedError
from hsm_sim.primitives import aes, des
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey, xor
from protocols.hsm import codes
from protocols.hsm.fields import is_digits, is_hex

HEADER_LENGTH = 16
SCHEME = "S"
UNDER_NO_LMK = "FF"  # the LMK id of a block that travels under a ZMK
LONGEST = 9999  # what four digits of length can say
PADDING = "PB"  # the optional block that fills
_AES_OF_LENGTH = {16: b"\x00\x02\x00\x80", 24: b"\x00\x03\x00\xc0", 32: b"\x00\x04\x01\x00"}

Random = Callable[[int], bytes]  # so many random bytes


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a header says of its key.

    `usage` as Thales (72) or X9.143 (P0) writes it, `algorithm` D T A R E H,
    `mode` of use (N: any), `version` of the key, `exportability` E S N, and the
    optional blocks as (id, data).
    """

    usage: str
    algorithm: str
    mode: str = "N"
    version: str = "00"
    exportability: str = "N"
    optional: tuple[tuple[str, str], ...] = ()


class _UnderDes:
    """Version 0: two variants of the key above; CBC from the header's start; CBC-MAC over header and ciphertext."""

    version, block, mac_length = "0", des.BLOCK, 4

    def __init__(self, under: DesKey) -> None:
        self._encrypts = DesKey(xor(under.clear, b"\x45" * len(under.clear)))
        self._authenticates = DesKey(xor(under.clear, b"\x4d" * len(under.clear)))

    def encrypted(self, clear: bytes, header: str) -> bytes:
        return self._encrypts.encrypt_cbc(clear, header[: des.BLOCK].encode())

    def decrypted(self, encrypted: bytes, header: str) -> bytes:
        return self._encrypts.decrypt_cbc(encrypted, header[: des.BLOCK].encode())

    def mac(self, message: bytes) -> bytes:
        message += bytes(-len(message) % des.BLOCK)
        return self._authenticates.encrypt_cbc(message, bytes(des.BLOCK))[-des.BLOCK :][: self.mac_length]


class _UnderAes:
    """Version 1: two keys derived by CMAC; CBC from the whole header; CMAC over header and ciphertext."""

    version, block, mac_length = "1", aes.BLOCK, 8

    def __init__(self, under: AesKey) -> None:
        self._encrypts = _derived(under, b"\x00\x00")
        self._authenticates = _derived(under, b"\x00\x01")

    def encrypted(self, clear: bytes, header: str) -> bytes:
        return self._encrypts.encrypt_cbc(clear, header[: aes.BLOCK].encode())

    def decrypted(self, encrypted: bytes, header: str) -> bytes:
        return self._encrypts.decrypt_cbc(encrypted, header[: aes.BLOCK].encode())

    def mac(self, message: bytes) -> bytes:
        return self._authenticates.cmac(message)[: self.mac_length]


def _derived(under: AesKey, used_for: bytes) -> AesKey:
    """CMAC in counter mode over exactly these eight bytes: counter, use, 00, algorithm, length in bits."""
    tail = used_for + b"\x00" + _AES_OF_LENGTH[len(under.clear)]
    halves = [under.cmac(bytes((counter,)) + tail) for counter in (1, 2)]
    return AesKey(b"".join(halves)[: len(under.clear)])


@lru_cache(maxsize=64)  # the LMKs and the ZMKs in use; deriving is most of the price of a block
def _protection(under: DesKey | AesKey) -> _UnderDes | _UnderAes:
    return _UnderAes(under) if isinstance(under, AesKey) else _UnderDes(under)


def wrap(under: DesKey | AesKey, attributes: Attributes, secret: bytes, random: Random, lmk_id: str) -> str:
    """A block, with its S, of version 1 under an AES key and 0 under a DES key."""
    protection = _protection(under)
    clear = (len(secret) * 8).to_bytes(2, "big") + secret
    clear += random(-len(clear) % protection.block)
    tail = 2 * (len(clear) + protection.mac_length)
    header = written_header(protection.version, attributes, lmk_id, tail, protection.block)
    encrypted = protection.encrypted(clear, header)
    return SCHEME + header + (encrypted + protection.mac(header.encode() + encrypted)).hex().upper()


def unwrap(under: DesKey | AesKey, wire: str, lmk_id: str) -> tuple[bytes, Attributes]:
    """The secret in a block and what its header says of it.

    Raises RefusedError, in this order: B2 and 80 for what is no block, A1 for one of
    the other version, A3 for another LMK's, A4 where the MAC does not hold, A5 and AB.
    """
    protection = _protection(under)
    block = wire[1:]
    attributes, end = read_header(block)
    if block[0] != protection.version:
        raise RefusedError(codes.LMK_SCHEME)
    if block[14:16] != lmk_id:
        raise RefusedError(codes.BLOCK_LMK_ID)
    encrypted, mac = _tail(block[end:], protection)
    if not compare_digest(protection.mac(block[:end].encode() + encrypted), mac):
        raise RefusedError(codes.BLOCK_MAC)
    secret = _measured(protection.decrypted(encrypted, block))
    names = [name for name, _ in attributes.optional]
    if len(set(names)) != len(names):
        raise RefusedError(codes.BLOCK_OPTIONAL)
    return secret, attributes


def _tail(text: str, protection: _UnderDes | _UnderAes) -> tuple[bytes, bytes]:
    """The encrypted part and the MAC. What is not hex is a MAC that cannot hold."""
    if not is_hex(text):
        raise RefusedError(codes.BLOCK_MAC)
    size = len(text) // 2 - protection.mac_length
    if len(text) % 2 or size < protection.block or size % protection.block:
        raise RefusedError(codes.DATA_LENGTH)
    tail = bytes.fromhex(text)
    return tail[:size], tail[size:]


def _measured(clear: bytes) -> bytes:
    bits = int.from_bytes(clear[:2], "big")
    if bits % 8 or not 0 < bits // 8 <= len(clear) - 2:
        raise RefusedError(codes.BLOCK_LENGTH)
    return clear[2 : 2 + bits // 8]


def written_header(version: str, attributes: Attributes, lmk_id: str, tail: int, block: int) -> str:
    """Header and optional blocks of a block whose encrypted part and MAC are `tail` characters long.

    The optional blocks are filled with a PB block to whole cipher blocks, as TR-31 wants it.

    >>> written_header("0", Attributes("72", "T", exportability="S"), "01", 56, 8)
    '0007272TN00S0001'
    >>> written_header("0", Attributes("72", "T", optional=(("KS", "1800604B120F9292800000"),)), "01", 56, 8)
    '0010472TN00N0201KS1A1800604B120F9292800000PB0600'
    """
    rows = tuple(row for row in attributes.optional if row[0] != PADDING)
    optional = _written(rows)
    if lacking := -len(optional) % block:
        rows += ((PADDING, "0" * (lacking - 4 if lacking >= 4 else lacking + block - 4)),)
        optional = _written(rows)
    length = HEADER_LENGTH + len(optional) + tail
    if length > LONGEST:
        raise RefusedError(codes.DATA_LENGTH)
    said = attributes.usage + attributes.algorithm + attributes.mode + attributes.version + attributes.exportability
    return f"{version}{length:04d}{said}{len(rows):02d}{lmk_id}{optional}"


def _written(rows: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"{name}{len(data) + 4:02X}{data}" for name, data in rows)


def read_header(block: str) -> tuple[Attributes, int]:
    """What a header says (S and TR-31 alike, without the scheme letter) and where it ends. Raises RefusedError B2, 80.

    >>> read_header("0007272TN00S0001DAB3EC21" + 48 * "0")
    (Attributes(usage='72', algorithm='T', mode='N', version='00', exportability='S', optional=()), 16)
    """
    count = block[12:14]
    if len(block) < HEADER_LENGTH or not (is_digits(block[1:5]) and is_digits(count) and block[5:12].isalnum()):
        raise RefusedError(codes.BLOCK_HEADER)
    if int(block[1:5]) != len(block):
        raise RefusedError(codes.DATA_LENGTH)
    optional, end = _optional(block, int(count))
    return Attributes(block[5:7], block[7], block[8], block[9:11], block[11], optional), end


def _optional(block: str, count: int) -> tuple[tuple[tuple[str, str], ...], int]:
    """The optional blocks: id 2, length 2H with itself and the id, data. A length of 00 is followed by a longer one."""
    at = HEADER_LENGTH
    found = []
    for _ in range(count):
        name, digits, begin = block[at : at + 2], block[at + 2 : at + 4], at + 4
        if digits == "00":
            size = block[at + 4 : at + 6]
            width = 2 * int(size, 16) if is_hex(size) else 0
            digits, begin = block[at + 6 : at + 6 + width], at + 6 + width
        if len(name) != 2 or not is_hex(digits):
            raise RefusedError(codes.BLOCK_HEADER)
        end = at + int(digits, 16)
        if not begin <= end <= len(block):
            raise RefusedError(codes.BLOCK_HEADER)
        found.append((name, block[begin:end]))
        at = end
    return tuple(found), at
