"""Key blocks: a clear header that says what a key is for, the key encrypted, and a MAC over both.

    S or R  version 1  length 4N  usage 2  algorithm 1  mode 1  key version 2  exportability 1  optional blocks 2N
            LMK id 2 (TR-31: reserved)  [optional blocks]  encrypted key, hex  authenticator, hex

Thales' own (scheme S) are of version 0 under a 3DES key (an LMK or a ZMK) and 1
under an AES key; TR-31 (scheme R) is of version A, B or C under 3DES and D under
AES. The clear field is the key's length in bits, the key, and random padding;
padding that hides the length of a key (X9.143) is read and not written. Nothing a
header says is believed before the MAC holds. The cryptography is in
`primitives/bound_block.py`; whether a command may use such a key is for `keys.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from hsm_sim.errors import RefusedError
from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.bound_block import Binding, UnboundError, binding
from hsm_sim.primitives.des import DesKey
from protocols.hsm import codes
from protocols.hsm.fields import is_digits, is_hex

HEADER_LENGTH = 16
THALES, TR31 = "S", "R"
VERSIONS = {THALES: "01", TR31: "ABCD"}
UNDER_NO_LMK = "FF"  # the LMK id of a block that travels under a ZMK
RESERVED = "00"  # what stands there in TR-31
LONGEST = 9999  # what four digits of length can say
PADDING = "PB"  # the optional block that fills

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


@lru_cache(maxsize=256)  # the LMKs and the ZMKs in use; deriving is most of the price of a block
def _binding(under: DesKey | AesKey, version: str) -> Binding:
    """What binds blocks of this version under this key; refuses a version that wants a key of the other sort."""
    found = binding(version, under)
    if found is None:
        raise RefusedError(codes.LMK_SCHEME)
    return found


def wrap(
    under: DesKey | AesKey,
    attributes: Attributes,
    secret: bytes,
    random: Random,
    lmk_id: str,
    version: str | None = None,
) -> str:
    """A block with its scheme letter: S where no `version` is given, else TR-31 of version A, B, C or D."""
    aes_above = isinstance(under, AesKey)
    scheme = THALES if version is None else TR31
    version = version or ("1" if aes_above else "0")
    bound_by = _binding(under, version)
    raw = _is_raw(scheme, attributes)
    clear = secret if raw else (len(secret) * 8).to_bytes(2, "big") + secret
    clear += random(-len(clear) % bound_by.block)
    tail = len(clear) * (1 if raw else 2) + 2 * bound_by.mac_length
    header = written_header(version, attributes, lmk_id, tail, bound_by.block)
    bound = bound_by.bound(header.encode(), clear)
    at = len(clear) if raw else 0
    return scheme + header + bound[:at].decode("latin-1") + bound[at:].hex().upper()


def unwrap(under: DesKey | AesKey, wire: str, lmk_id: str) -> tuple[bytes, Attributes]:
    """The secret in a block (with its scheme letter) and what its header says of it.

    Raises RefusedError, in this order: B2 and 80 for what is no block, A1 for one of
    another version, A3 for another LMK's, A4 where the MAC does not hold, A5 and BC.
    TR-31 has no LMK id, so none is looked at there.
    """
    scheme, block = wire[:1], wire[1:]
    attributes, end = read_header(block)
    if block[0] not in VERSIONS.get(scheme, ""):
        raise RefusedError(codes.LMK_SCHEME)
    bound_by = _binding(under, block[0])
    if scheme == THALES and block[14:16] != lmk_id:
        raise RefusedError(codes.BLOCK_LMK_ID)
    raw = _is_raw(scheme, attributes)
    tail = _raw_tail(block[end:], bound_by) if raw else _tail(block[end:], bound_by)
    try:
        clear = bound_by.unbound(block[:end].encode(), tail)
    except UnboundError:
        raise RefusedError(codes.BLOCK_MAC) from None
    secret = clear if raw else _measured(clear)
    names = [name for name, _ in attributes.optional]
    if len(set(names)) != len(names):
        raise RefusedError(codes.REPEATED_OPTIONAL)
    return secret, attributes


def _tail(text: str, bound_by: Binding) -> bytes:
    """The encrypted part and the MAC. What is not hex is a MAC that cannot hold."""
    if not is_hex(text):
        raise RefusedError(codes.BLOCK_MAC)
    size = len(text) // 2 - bound_by.mac_length
    if len(text) % 2 or size < bound_by.block or size % bound_by.block:
        raise RefusedError(codes.DATA_LENGTH)
    return bytes.fromhex(text)


def _raw_tail(text: str, bound_by: Binding) -> bytes:
    """The same, of a block whose encrypted part is bytes as they are; its MAC is in hex as ever."""
    digits = 2 * bound_by.mac_length
    encrypted, mac = text[:-digits].encode("latin-1"), text[-digits:]
    if not encrypted or len(encrypted) % bound_by.block:
        raise RefusedError(codes.DATA_LENGTH)
    if not is_hex(mac):
        raise RefusedError(codes.BLOCK_MAC)
    return encrypted + bytes.fromhex(mac)


def _is_raw(scheme: str, attributes: Attributes) -> bool:
    """An RSA key in a Thales block: bytes as they are, and what is encrypted says its own length (seen of a device)."""
    return scheme == THALES and attributes.algorithm == "R"


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
