"""One good request for each key command, and the same keys under the key-block LMKs.

Imported by `known.py`, so nothing is imported from there.
"""

from collections.abc import Mapping

from hsm_sim.key_scheme import KEY_SCHEMES, wrap
from hsm_sim.lmk import OLD_TEST_PAIRS, TEST_VARIANT_PAIRS, Lmk

LMK_00 = Lmk("00", TEST_VARIANT_PAIRS)
OLD_LMK_00 = Lmk("00", OLD_TEST_PAIRS)
_K1 = bytes.fromhex("A4702516B3808068AD2943B50BD60107")
_K2 = bytes.fromhex("253873023B89C776FE9B0D54C2587A85")
_Z = bytes.fromhex("5EF201B5B6164ABA51ECCEA452BCF4FD")


def under_lmk_00(key_type: str, clear: bytes, scheme: str = "U") -> str:
    """A key under test LMK 00."""
    return wrap(LMK_00.pair(key_type), KEY_SCHEMES[scheme], clear)


Z_ZMK = under_lmk_00("000", _Z)
K1_UNDER_Z = "U0CE5D01EAA34FDFDA4D59A7D9BFF07F9"  # row 17 of the known answers
_IMPORT = {"zmk": Z_ZMK, "key": K1_UNDER_Z}

GOOD_KEYS: Mapping[str, Mapping[str, str]] = {
    "A0": {"mode": "1", "key_type": "001", "scheme": "U", "export_flag": "0", "zmk": Z_ZMK, "export_scheme": "U"},
    "A4": {
        "components": "2",
        "key_type": "001",
        "scheme": "U",
        "component_1": under_lmk_00("001", _K1),
        "component_2": under_lmk_00("001", _K2),
    },
    "A6": {"key_type": "001", **_IMPORT, "scheme": "U"},
    "A8": {"key_type": "001", "zmk": Z_ZMK, "key": under_lmk_00("001", _K1), "scheme": "U"},
    "BU": {"pair_code": "FF", "key_length": "1", "key": under_lmk_00("001", _K1), "key_type": "001"},
    **dict.fromkeys(("FA", "FC", "MI", "AW", "DW", "BY"), _IMPORT),
    "FK": {"flag": "0", **_IMPORT},
    **{
        command: {"zmk": Z_ZMK, "key": under_lmk_00(key_type, _K1)}
        for command, key_type in {"GC": "001", "FE": "002", "MG": "003", "AU": "402", "DY": "009"}.items()
    },
    "FM": {"flag": "1", "zmk": Z_ZMK, "key": under_lmk_00("008", _K1)},
    "IA": {"zmk": Z_ZMK},
    "FI": {"flag": "0", "zmk": Z_ZMK},
    "FG": {"zmk": Z_ZMK},
    **{command: {"tmk": under_lmk_00("002", _Z)} for command in ("HC", "HA")},
    "AS": {},
    "BI": {},
    "KA": {"key": under_lmk_00("001", _K1), "pair_code": "01"},
    "B0": {"key_type": "001", "key": under_lmk_00("001", _K1), "scheme": "X"},
    "BW": {"pair_code": "01", "key_length": "1", "key": wrap(OLD_LMK_00.pair("001"), KEY_SCHEMES["U"], _K1)},
}

# What else a request must say under a key-block LMK, besides its keys being blocks.
_HEADER = {
    "key_type": "FFF",
    "scheme": "S",
    "key_usage": "72",
    "key_algorithm": "T2",
    "key_mode": "N",
    "key_version": "00",
    "key_exportability": "E",
}
BLOCK_CHANGES: Mapping[str, Mapping[str, str]] = {
    "A0": _HEADER,
    "A4": _HEADER,
    "A6": _HEADER,
    "A8": {"key_type": "FFF"},
    "BU": {"key_length": "F", "key_type": "FFF"},
    "KA": {"pair_code": "FF"},
    "B0": {"key_type": "FFF", "scheme": "S"},
    "BW": {name: _HEADER[name] for name in _HEADER if name not in ("key_type", "scheme", "key_usage")}
    | {"key_usage": "72"},
}

# What each may answer to that. A single-length key has no letter where the request names no schemes; a pair has none.
_SHORT, _LONG = "08D7B4", "08D7B4FB629D0885"
_SINGLE, _PAIR = "0123456789ABCDEF", "0123456789ABCDEFFEDCBA9876543210"
_UNDER_LMK = under_lmk_00("001", _K1)

ANSWERS_KEYS: Mapping[str, Mapping[str, str]] = {
    "A0": {"key": _UNDER_LMK, "exported_key": K1_UNDER_Z, "check_value": _SHORT},
    **{key: {"key": _UNDER_LMK, "check_value": _SHORT} for key in ("A4", "A6")},
    "A8": {"exported_key": K1_UNDER_Z, "check_value": _SHORT},
    "BU": {"check_value": _LONG},
    **{key: {"key": _PAIR, "check_value": _LONG} for key in ("FA", "FC", "MI", "AW", "DW", "BY", "FK")},
    **{key: {"exported_key": _PAIR, "check_value": _LONG} for key in ("GC", "FE", "MG", "AU", "DY", "FM")},
    **{key: {"exported_key": _SINGLE, "key": _SINGLE, "check_value": _LONG} for key in ("IA", "FI")},
    "FG": {"exported_key": _PAIR, "key": _PAIR, "check_value": _LONG, "second_check_value": _LONG[::-1]},
    **{key: {"exported_key": _SINGLE, "key": _SINGLE} for key in ("HC", "HA")},
    "AS": {"key": _PAIR, "check_value": _LONG, "second_check_value": _LONG[::-1]},
    "BI": {"key": _PAIR},
    "KA": {"check_value": _LONG},
    "B0": {"key": "X" + _PAIR},
    "BW": {"key": _UNDER_LMK},
}
