"""Local master keys (LMKs): the published test sets, and the table of key types that says what each is for.

A variant LMK is twenty pairs of DES keys. A key type `vpp` names a pair (pp) and
a variant digit (v) that is XORed into the pair's first byte, so a key of one
type opens as noise where another is wanted; that is key separation. A key-block
LMK is one key, 3DES or AES-256, and separation stands in each block's header.

The test sets are public. Never guard a real key with them. How keys are opened
and used is in `keys.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from hsm_sim.primitives.aes import AesKey
from hsm_sim.primitives.des import DesKey, xor

PIN_PAIR = 2  # the pair that encrypts PINs themselves
OF_AES_256 = bytes.fromhex("0000040100")  # the rest of a derivation's input: a separator, the algorithm, its bits
PIN_PURPOSE = 0x50  # and what derives that key from a key-block LMK: ours, as no device's is published

# First key of each pair -> both keys. The same in three independent open-source repositories (go_hsm among them).
TEST_VARIANT_PAIRS: Mapping[int, bytes] = {
    first: bytes.fromhex(pair)
    for first, pair in {
        0: "01010101010101017902CD1FD36EF8BA",
        2: "20202020202020203131313131313131",
        4: "40404040404040405151515151515151",
        6: "61616161616161617070707070707070",
        8: "80808080808080809191919191919191",
        10: "A1A1A1A1A1A1A1A1B0B0B0B0B0B0B0B0",
        12: "C1C1010101010101D0D0010101010101",
        14: "E0E0010101010101F1F1010101010101",
        16: "1C587F1C13924FEF0101010101010101",
        18: "01010101010101010101010101010101",
        20: "02020202020202020404040404040404",
        22: "07070707070707071010101010101010",
        24: "13131313131313131515151515151515",
        26: "16161616161616161919191919191919",
        28: "1A1A1A1A1A1A1A1A1C1C1C1C1C1C1C1C",
        30: "23232323232323232525252525252525",
        32: "26262626262626262929292929292929",
        34: "2A2A2A2A2A2A2A2A2C2C2C2C2C2C2C2C",
        36: "2F2F2F2F2F2F2F2F3131313131313131",
        38: "01010101010101010101010101010101",
    }.items()
}

Material = Mapping[int, bytes] | DesKey | AesKey  # the pairs of a variant LMK, or the key of a key-block LMK

# "Old" LMKs, from which BW moves keys: the last nibble of byte 7 differs; by how much is ours, as nothing is published.
OLD_TEST_PAIRS: Mapping[int, bytes] = {
    first: pair[:7] + bytes((pair[7] ^ 0x03,)) + pair[8:] for first, pair in TEST_VARIANT_PAIRS.items()
}

# The sets that a settings file may name; all three are published, ids 00, 01 and 02.
SETS: Mapping[str, Material] = {
    "test-variant": TEST_VARIANT_PAIRS,
    "test-variant-old": OLD_TEST_PAIRS,
    "test-3des-block": DesKey(bytes.fromhex("0123456789ABCDEF8080808080808080FEDCBA9876543210")),
    "test-aes-block": AesKey(bytes.fromhex("9B71333A13F9FAE72F9D0E2DAB4AD6784718012F9244033F3F26A2DE0C8AA11A")),
}

VARIANTS: Mapping[str, int] = dict(zip("0123456789", bytes.fromhex("00A65A6ADE2B50749CFA"), strict=True))
PAIR_CODES: Mapping[str, int] = {
    "00": 4, "01": 6, "02": 14, "03": 16, "04": 18, "05": 20, "06": 22, "07": 24,
    "08": 26, "09": 28, "0A": 30, "0B": 32, "0C": 34, "0D": 36, "0E": 38,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyType:
    """One row of key separation: what a variant key type is called, and which usages mean the same in a key block."""

    code: str
    title: str
    usages: tuple[str, ...]  # Thales' own, then X9.143's


_PVK_USAGES = ("V0", "V1", "V2")
_MAC_USAGES = ("M0", "M1", "M2", "M3", "M4", "M5", "M6", "M8")

# 00C and 00D (RSA) and 10C (HMAC) hold no DES key; commands that take one say so.
KEY_TYPES: Mapping[str, KeyType] = {
    row.code: row
    for row in (
        KeyType("000", "ZMK", ("52", "K0", "K1")),
        KeyType("001", "ZPK", ("72", "P0")),
        KeyType("002", "PVK, TMK or TPK", ("71", "P0", "51", "K0", "K1", *_PVK_USAGES)),
        KeyType("70D", "TPK", ("71", "P0")),
        KeyType("80D", "TMK", ("51", "K0", "K1")),
        KeyType("402", "CVK", ("12", "13", "11", "C0")),
        KeyType("302", "IKEY", ("B1",)),
        KeyType("003", "TAK", _MAC_USAGES),
        KeyType("008", "ZAK", _MAC_USAGES),
        KeyType("00A", "ZEK", ("22", "D0")),
        KeyType("00B", "DEK", ("21", "D0")),
        KeyType("30B", "TEK", ("23", "D0")),
        KeyType("009", "BDK-1", ("B0",)),
        KeyType("609", "BDK-2", ("41", "B0")),
        KeyType("809", "BDK-3", ("42", "B0")),
        KeyType("909", "BDK-4", ("43", "B0")),
        KeyType("109", "MK-AC", ("E0",)),
        KeyType("209", "MK-SMI", ("E2",)),
        KeyType("309", "MK-SMC", ("E1",)),
        KeyType("409", "MK-DAC", ("E3",)),
        KeyType("509", "MK-DN", ("E4", "E5", "E6")),
        KeyType("709", "MK-CVC3", ("32", "E6")),
    )
}
SECRET_TYPES: Mapping[str, KeyType] = {
    row.code: row
    for row in (
        KeyType("00C", "RSA private key", ("03", "04", "05", "06", "K3", "S0", "S1", "S2", "D1")),
        KeyType("00D", "RSA public key", ("02",)),
        KeyType("10C", "HMAC key", ("61", "62", "63", "64", "65", "M7")),
    )
}
OF_THE_HEADER = "FFF"  # the key type that says: see the key block's header


class LmkKind(StrEnum):
    """What an LMK is made of."""

    VARIANT = "variant"
    BLOCK_3DES = "3des-block"
    BLOCK_AES = "aes-block"


@dataclass(frozen=True)
class Lmk:
    """One LMK as loaded. Its material has no repr."""

    id: str
    material: Material = field(repr=False)
    check_value: str = "0" * 16  # what NC reports; no published rule computes it
    authorised: bool = False
    test: bool = field(default=True, repr=False)  # a published set
    old: Material | None = field(default=None, repr=False)  # what BW moves keys from

    @cached_property
    def kind(self) -> LmkKind:
        if isinstance(self.material, AesKey):
            return LmkKind.BLOCK_AES
        return LmkKind.BLOCK_3DES if isinstance(self.material, DesKey) else LmkKind.VARIANT

    @cached_property
    def key(self) -> DesKey | AesKey:
        """The key of a key-block LMK."""
        if not isinstance(self.material, DesKey | AesKey):
            raise TypeError("a variant LMK has pairs")
        return self.material

    def pair(self, key_type: str) -> bytes:
        """The sixteen bytes that keys of this type are encrypted under, of a variant LMK.

        >>> Lmk("00", TEST_VARIANT_PAIRS).pair("402").hex()
        '3ee0010101010101f1f1010101010101'
        """
        if isinstance(self.material, DesKey | AesKey):
            raise TypeError("a key-block LMK has no pairs")
        pair = self.material[PAIR_CODES[key_type[1:]]]
        return bytes((pair[0] ^ VARIANTS[key_type[0]],)) + pair[1:]

    def derived(self, purpose: int) -> DesKey | AesKey:
        """A key of its own for one purpose, of a key-block LMK: every byte XOR `purpose`, which is 54 for
        decimalisation tables; under AES what a key block's keys are derived by, for the usage 80 `purpose` (seen of a
        device: its encrypted table opens so)."""
        if isinstance(self.key, AesKey):
            halves = (bytes((half, 0x80, purpose)) + OF_AES_256 for half in (1, 2))
            return AesKey(b"".join(self.key.cmac(asked) for asked in halves))
        return DesKey(xor(self.key.clear, bytes((purpose,)) * len(self.key.clear)))

    @cached_property
    def pin_key(self) -> DesKey:
        """What encrypts PINs: pair 02-03 of a variant LMK, a key derived from a 3DES key-block LMK."""
        if not isinstance(self.material, DesKey | AesKey):
            return DesKey(self.material[PIN_PAIR])
        key = self.derived(PIN_PURPOSE)
        if isinstance(key, DesKey):
            return key
        raise TypeError("under an AES LMK use aes_pin_key")

    @cached_property
    def aes_pin_key(self) -> AesKey:
        """What encrypts PINs under an AES LMK."""
        key = self.derived(PIN_PURPOSE)
        if isinstance(key, AesKey):
            return key
        raise TypeError("only an AES LMK has this")
