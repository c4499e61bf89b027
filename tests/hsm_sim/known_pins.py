"""One good request for each PIN command: PIN 1234, account 111111111111, keys K1 and K2, test LMK 00.

The DUKPT block is of K1 as BDK and the first transaction of FFFF9876543210E00000;
the offset is of the first half of K1 and the table 0123456789012345.
"""

from collections.abc import Mapping

ACCOUNT = "111111111111"
K1_ZPK = "UF820C9180B6F6C75F72BD2E8737229F1"
K2_ZPK = "U235B54ED775B7F5A59FD9CF0F8FDCEF2"
K1_TPK = K1_PVK = "U6BC12F1E18A69972B123ED97057D78AC"
K1_BDK = "UEDB0A3346ED5DDB1DD5CDEF00ECD581C"
MK = "U1E6F5623CAEF7F791373A1F01A506A28"  # 01234567899876543210012345678998 as 709
K1_HALF_PVK = "EAD6BA411963670D"
BLOCK = "C6CF62084B7FF1FD"
NEW_BLOCK = "1BF43C551CA3727F"  # PIN 56789
DUKPT_BLOCK = "5B5EA36682608403"
KEPT = "11595"  # PIN 1234 under LMK 00; the algorithm is ours
KEPT_UNDER_OLD = "03524"
PVV = "7292"
OFFSET = "0111FFFFFFFF"

SERIAL = {"descriptor": "A05", "ksn": "FFFF9876543210E00001"}
SENT = {"pin_block": BLOCK, "format": "01", "account": ACCOUNT}
BY_PVV = {"pvk": K1_PVK, "account": ACCOUNT, "pvki": "1"}
CARD = {
    "pvk": K1_HALF_PVK,
    "minimum_length": "04",
    "account": ACCOUNT,
    "decimalisation_table": "0123456789012345",
    "validation_data": "41111111111N",
}
FORMATS = {"source_format": "01", "destination_format": "01"}
TERMINAL, ZONE, OF_TYPE = {"terminal_key": K1_TPK}, {"zone_key": K1_ZPK}, {"key_type": "001", "key": K1_ZPK}
DUKPT = {"bdk": K1_BDK, **SERIAL, "pin_block": DUKPT_BLOCK, "account": ACCOUNT}

K1_CSCK = "U21A646BD114E23B25B09D2BA887B822C"  # of the type of a CVK
DYNAMIC = {"scheme": "1", "version": "0", "mk": MK, "derivation": "0", "pan": "5123456789012345", "psn": "00"}
TRACK = bytes.fromhex("5123456789012345D35121010000000000000F").decode("latin-1")
CHIP = {"track_data": TRACK, "unpredictable_number": "00000899", "atc": "00094", "value": "29488"}

GOOD_PINS: Mapping[str, Mapping[str, str]] = {
    "CI": {**DUKPT, "destination_key": K2_ZPK, "destination_format": "01"},
    "G0": {**DUKPT, "bdk_flag": "", "destination_flag": "", "destination_key": K2_ZPK, **FORMATS, "second_account": ""},
    "DA": {**TERMINAL, **SENT, **CARD, "maximum_pin_length": "12", "offset": OFFSET},
    "EA": {**ZONE, **SENT, **CARD, "maximum_pin_length": "12", "offset": OFFSET},
    "CM": {**DUKPT, **BY_PVV, "pvv": PVV},
    "GQ": {**DUKPT, **BY_PVV, "mode": "0", "format": "01", "pvv": PVV},
    "CK": {**DUKPT, **CARD, "offset": OFFSET},
    "GO": {**DUKPT, **CARD, "mode": "0", "format": "01", "offset": OFFSET},
    "BC": {**TERMINAL, **SENT, "pin_under_lmk": KEPT},
    "BE": {**ZONE, **SENT, "pin_under_lmk": KEPT},
    "BG": {"account": ACCOUNT, "pin_under_lmk": KEPT_UNDER_OLD},
    "LO": {"decimalisation_table": "0123456789012345"},
    "NG": {"account": ACCOUNT, "pin_under_lmk": KEPT},
    "QK": {"account": ACCOUNT, "pin_under_lmk": KEPT, "new_account": "2" * 12},
    "JA": {"account": ACCOUNT, "pin_length": "06"},
    "PM": {**DYNAMIC, **CHIP},
    "QY": {**DYNAMIC, **{name: value for name, value in CHIP.items() if name != "value"}},
    "RY": {"mode": "3", "flag": "0", "csck": K1_CSCK, "account": "3712345678901230000", "expiry": "9912"},
    "JC": {**TERMINAL, **SENT},
    "JE": {**ZONE, **SENT},
    "JG": {**ZONE, "format": "01", "account": ACCOUNT, "pin_under_lmk": KEPT},
    "FW": {**OF_TYPE, **SENT, **BY_PVV},
    "DE": {**CARD, "pin_under_lmk": KEPT},
    "BK": {**OF_TYPE, **SENT, **CARD},
    "EE": {**CARD, "offset": OFFSET},
    "CU": {**OF_TYPE, **SENT, **BY_PVV, "pvv": PVV, "new_pin_block": NEW_BLOCK},
    "DU": {**OF_TYPE, **SENT, **CARD, "offset": OFFSET, "new_pin_block": NEW_BLOCK},
}

_TRANSLATED = {"pin_length": "04", "pin_block": "E8036E5B8BE2DDE3", "format": "01"}
_KEPT = {"pin_under_lmk": KEPT}

# What each answers to that.
ANSWERS_PINS: Mapping[str, Mapping[str, str]] = {
    **{code: {} for code in ("DA", "EA", "CM", "GQ", "CK", "GO", "BC", "BE", "PM")},
    **dict.fromkeys(("CI", "G0"), _TRANSLATED),
    **dict.fromkeys(("JC", "JE", "EE"), _KEPT),
    "QY": {"value": CHIP["value"]},
    "RY": {"mode": "3", "csc_five": "40375", "csc_four": "8328", "csc_three": "225"},
    "JA": {"pin_under_lmk": "1593862"},
    "QK": {"pin_under_lmk": "26702"},
    "BG": _KEPT,
    "LO": {"decimalisation_table": "AF83173B8C03FCE6"},
    "NG": {"pin": "1234F"},
    "JG": {"pin_block": BLOCK},
    "FW": {"pvv": PVV},
    "DE": {"offset": OFFSET},
    "BK": {"offset": OFFSET},
    "CU": {"new_pvv": "3902"},
    "DU": {"new_offset": "45551FFFFFFF"},
}
