"""Local master keys (LMKs): the published test set, and the table of key types that says which pair guards what.

A variant LMK is twenty pairs of DES keys. A key type `vpp` names a pair (pp) and
a variant digit (v) that is XORed into the pair's first byte, so a key of one
type opens as noise where another is wanted; that is key separation.

The test set is public. Never guard a real key with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hsm_sim.primitives.des import DesKey

PIN_PAIR = 2  # the pair that encrypts PINs themselves

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

# Sets of pairs that a settings file may name. Key-block LMKs (ids 01 and 02 of the test sets) will stand here too.
SETS: Mapping[str, Mapping[int, bytes]] = {"test-variant": TEST_VARIANT_PAIRS}

VARIANTS: Mapping[str, int] = dict(zip("0123456789", bytes.fromhex("00A65A6ADE2B50749CFA"), strict=True))
PAIR_CODES: Mapping[str, int] = {
    "00": 4, "01": 6, "02": 14, "03": 16, "04": 18, "05": 20, "06": 22, "07": 24,
    "08": 26, "09": 28, "0A": 30, "0B": 32, "0C": 34, "0D": 36, "0E": 38,
}  # fmt: skip

# Only DES keys: 00C and 00D (RSA) and 10C (HMAC) wait for the commands that use them.
KEY_TYPES: Mapping[str, str] = {
    "000": "ZMK",
    "001": "ZPK",
    "002": "PVK, TMK or TPK",
    "70D": "TPK",
    "80D": "TMK",
    "402": "CVK",
    "302": "IKEY",
    "003": "TAK",
    "008": "ZAK",
    "00A": "ZEK",
    "00B": "DEK",
    "009": "BDK-1",
    "609": "BDK-2",
    "809": "BDK-3",
    "909": "BDK-4",
    "109": "MK-AC",
    "209": "MK-SMI",
    "309": "MK-SMC",
    "409": "MK-DAC",
    "509": "MK-DN",
    "709": "MK-CVC3",
}


@dataclass(frozen=True)
class Lmk:
    """One variant LMK as loaded. Its pairs have no repr."""

    id: str
    pairs: Mapping[int, bytes] = field(repr=False)
    check_value: str = "0" * 16  # what NC reports; no published rule computes it
    authorised: bool = False

    def pair(self, key_type: str) -> bytes:
        """The sixteen bytes that keys of this type are encrypted under.

        >>> Lmk("00", TEST_VARIANT_PAIRS).pair("402").hex()
        '3ee0010101010101f1f1010101010101'
        """
        pair = self.pairs[PAIR_CODES[key_type[1:]]]
        return bytes((pair[0] ^ VARIANTS[key_type[0]],)) + pair[1:]

    @cached_property
    def pin_key(self) -> DesKey:
        """The pair that encrypts PINs."""
        return DesKey(self.pairs[PIN_PAIR])
