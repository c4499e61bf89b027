"""Layouts of the EMV commands: ARQC and ARPC, truncated cryptograms, the secure messaging of issuer scripts.

Cryptograms, counters and data are raw bytes. `pan_block` is the 16 rightmost
digits of PAN and PAN sequence number, two a byte; `pan_psn` all of them.
KW's branch and height, KQ's modes 3 and 4, K2, KU and KY follow no published
layout in every detail; what is ours is said in docs/hsm-crypt.md.
"""

from protocols.hsm.byte_fields import Binary, Sized
from protocols.hsm.codes import DATA_LENGTH
from protocols.hsm.fields import Choice, Hex, Key, Mark, Part, When
from protocols.hsm.layout import Layout

MODE, SCHEME, DISCRETIONARY_MAC, DISCRETIONARY_LENGTH, BRANCH = "04", "05", "06", "82", "52"
PAN_PSN_LONGEST = 11  # bytes: 19 digits of PAN, two of sequence number, one zero in front
PROPRIETARY_LONGEST = 8

_PAN_BLOCK = Binary("pan_block", 8)
_PAN_PSN: tuple[Part, ...] = (Sized("pan_psn", 2, shortest=2, longest=PAN_PSN_LONGEST), Mark(";"))
_ATC = Binary("atc", 2)
_UN = Binary("unpredictable_number", 4)
_DATA: tuple[Part, ...] = (Sized("data", 2, base=16, code=DATA_LENGTH), Mark(";"))
_ARQC = Binary("arqc", 8)
_ARPC = Binary("arpc", 8)
_EXPECTED = {"01": (Binary("expected", 8),)}  # in the authorised state only

# What an HSM does: verify; verify and answer by method 1 or 2; answer only.
KQ_VERIFIES, KQ_ANSWERS, KQ_DISCRETIONARY = ("0", "1", "3", "4"), ("1", "2", "4"), ("3", "4")
KW_VERIFIES, KW_BY_CODE, KW_BY_STATUS = ("0", "1", "3"), ("1", "2"), ("3", "4")
KW_TREE, KW_COMMON = ("0", "1"), ("2", "3")  # session keys by the tree of EMV 2000, by the common method
KW_OPTION_A, KW_OPTION_B = ("0", "2"), ("1", "3")  # the card's master key

_SCRIPT: tuple[Part, ...] = (
    Key("mk_smi", bare=32),
    _PAN_BLOCK,
    Binary("session_data", 8),
    Sized("command_data", 4, base=16, code=DATA_LENGTH),
    Mark(";"),
    When(
        "mode",
        ("1",),
        (
            Key("mk_smc", bare=32),
            Key("zek", bare=32),
            Hex("offset", 4),
            Sized("secret", 4, base=16, code=DATA_LENGTH),
            Mark(";"),
        ),
    ),
)
_SCRIPT_ANSWER: tuple[Part, ...] = (
    Binary("mac", 8),
    When("mode", ("1",), (Sized("ciphertext", 4, base=16),)),
)

LAYOUTS = (
    Layout(
        "KQ",
        "verify an ARQC and make the ARPC",
        request=(
            Choice("mode", ("0", "1", "2", "3", "4"), MODE),
            Choice("scheme", ("0", "1"), SCHEME),  # 0 VIS (CVN 10), 1 M/Chip
            Key("mk_ac", bare=32),
            When("mode", KQ_DISCRETIONARY, (Key("mk_smi", bare=32),)),
            _PAN_BLOCK,
            _ATC,
            _UN,
            When("mode", KQ_VERIFIES, _DATA),
            _ARQC,
            When("mode", KQ_ANSWERS, (Binary("arc", 2),)),
            When(
                "mode",
                KQ_DISCRETIONARY,
                (
                    Binary("discretionary_mac", 4, DISCRETIONARY_MAC),
                    Sized("discretionary_data", 2, base=16, code=DISCRETIONARY_LENGTH, shortest=1),
                ),
            ),
        ),
        answer=(When("mode", KQ_ANSWERS, (_ARPC,)),),
        told_after=_EXPECTED,
    ),
    Layout(
        "KW",
        "verify an ARQC and make the ARPC, with session keys of EMV",
        request=(
            Choice("mode", ("0", "1", "2", "3", "4"), MODE),
            Choice("scheme", KW_TREE + KW_COMMON, SCHEME),
            Key("mk_ac", bare=32),
            When("scheme", KW_TREE, (Binary("iv_ac", 16),)),
            When("scheme", KW_OPTION_A, (_PAN_BLOCK,)),
            When("scheme", KW_OPTION_B, _PAN_PSN),
            When("scheme", KW_TREE, (Choice("branch_height", ("0", "1"), BRANCH),)),  # 0: 2 and 16, 1: 4 and 8
            _ATC,
            When("mode", KW_VERIFIES, _DATA),
            _ARQC,
            When("mode", KW_BY_CODE, (Binary("arc", 2),)),
            When(
                "mode",
                KW_BY_STATUS,
                (Binary("csu", 4), Sized("proprietary", 1, base=16, longest=PROPRIETARY_LONGEST)),
            ),
        ),
        answer=(
            When("mode", KW_BY_CODE, (_ARPC,)),
            When("mode", KW_BY_STATUS, (Binary("arpc_mac", 4), Binary("csu", 4))),
        ),
        told_after=_EXPECTED,
    ),
    Layout(
        "K2",
        "verify a truncated application cryptogram",
        request=(
            Choice("mode", ("0",), MODE),
            Choice("scheme", ("00", "01", "02"), SCHEME),  # 00 VIS, 01 M/Chip, 02 EMV
            Choice("derivation", ("0", "1")),  # of the card's master key: option A, B
            Choice("session", ("0", "1", "2")),  # 0 none, 1 M/Chip, 2 common
            Key("mk_ac", bare=32),
            *_PAN_PSN,
            _ATC,
            _UN,
            *_DATA,
            Binary("cryptogram", 8),
            Binary("bit_map", 8),  # ones where the cryptogram's bits came along
            Binary("reserved", 4),
        ),
    ),
    Layout(
        "KU",
        "secure messaging of an issuer script (Visa, M/Chip)",
        request=(Choice("mode", ("0", "1"), MODE), Choice("scheme", ("0", "1"), SCHEME), *_SCRIPT),
        answer=_SCRIPT_ANSWER,
    ),
    Layout(
        "KY",
        "secure messaging of an issuer script (EMV common session keys)",
        request=(Choice("mode", ("0", "1"), MODE), Choice("scheme", ("2",), SCHEME), *_SCRIPT),
        answer=_SCRIPT_ANSWER,
    ),
)
