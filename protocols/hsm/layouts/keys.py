"""Layouts of the key management commands.

Behind the fields of a command may stand `#` and the header of the key block it
makes, `&` and what an exported block is to say otherwise, `!` and a TR-31
version, each with `%` and an LMK id in front.
"""

from protocols.hsm.codes import KEY_LENGTH_FLAG, KEY_TYPE_CODE, NOT_VERIFIED
from protocols.hsm.fields import Choice, Digits, Hex, Key, Mark, Optional, Part, Text, When
from protocols.hsm.key_fields import BareKey, CheckValueTail, HexRun, KeyAttributes, LmkId, ZmkFlag
from protocols.hsm.layout import Layout

COMPONENT_COUNT = "03"  # A4's own: fewer than two or more than nine components
PARITY_CORRECTED = frozenset({NOT_VERIFIED})  # 01 after an import is a warning, and the key follows

_KEY_TYPE = Text("key_type", 3, KEY_TYPE_CODE)
_HEADER = (LmkId(), KeyAttributes("#", "key_"))
_EXPORTED_HEADER = (LmkId(), KeyAttributes("&", "exported_"))
_TR31 = (LmkId(), Optional("!", (Choice("tr31_version", ("A", "B", "C", "D")),)))
_ZMK = Key("zmk", bare=32)
_BARE = {"U": 32, "X": 32, "T": 48, "Y": 48}  # digits of a bare component, by the scheme asked for
_ZMK_OR_TMK = ZmkFlag("export_flag")
_CHECK_VALUE: tuple[Part, ...] = (
    When("check_value_type", ("1",), (Hex("check_value", 6),)),
    When("check_value_type", ("0", ""), (Hex("check_value", 16),)),
)


def _component(number: int) -> When:
    counts = tuple(str(count) for count in range(number, 10))
    return When("components", counts, (Key(f"component_{number}", bare_by="scheme", bare_lengths=_BARE),))


LAYOUTS = (
    Layout(
        "A0",
        "generate or derive a key, and export it under a ZMK",
        request=(
            Choice("mode", ("0", "1", "A", "B")),  # 0 generate, A derive; 1 and B and export
            _KEY_TYPE,
            Text("scheme", 1),
            When(
                "mode",
                ("A", "B"),
                (
                    Choice("derivation", ("0",)),  # an initial DUKPT key from a BDK
                    Choice("bdk_type", ("1", "2", "3", "4", "5")),
                    Key("bdk", bare=32),
                    HexRun("ksn", (15, 16, 20, 24)),
                ),
            ),
            When("mode", ("1", "B"), (_ZMK_OR_TMK, _ZMK, Text("export_scheme", 1))),
            *_HEADER,
            *_EXPORTED_HEADER,
            *_TR31,
        ),
        answer=(
            Key("key"),
            When("mode", ("1", "B"), (Key("exported_key"),)),
            Hex("check_value", 6),
        ),
    ),
    Layout(
        "A4",
        "form a key from encrypted components",
        request=(
            Digits("components", 1, COMPONENT_COUNT),
            _KEY_TYPE,
            Text("scheme", 1),
            *(_component(number) for number in range(1, 10)),
            LmkId(),
            KeyAttributes("#", "key_", of_components=True),
        ),
        answer=(Key("key"), Hex("check_value", 6)),
    ),
    Layout(
        "A6",
        "import a key",
        request=(_KEY_TYPE, _ZMK, BareKey("key", tails=(0, 1)), Text("scheme", 1), *_HEADER, *_EXPORTED_HEADER),
        answer=(Key("key"), Hex("check_value", 6)),
        data_after=PARITY_CORRECTED,
    ),
    Layout(
        "A8",
        "export a key",
        request=(
            _KEY_TYPE,
            _ZMK_OR_TMK,
            _ZMK,
            BareKey("key", tails=(0,)),
            Text("scheme", 1),
            *_EXPORTED_HEADER,
            *_TR31,
        ),
        answer=(Key("exported_key"), Hex("check_value", 6)),
    ),
    Layout(
        "BU",
        "check value of a key",
        request=(
            Text("pair_code", 2, KEY_TYPE_CODE),
            Choice("key_length", ("0", "1", "2", "F"), KEY_LENGTH_FLAG),
            Key("key", bare_by="key_length", bare_lengths={"0": 16, "1": 32, "2": 48}),
            When("key_length", ("F",), (CheckValueTail(),)),
            When(
                "key_length",
                ("0", "1", "2"),
                (
                    When("pair_code", ("FF",), (Mark(";"), _KEY_TYPE)),
                    Optional(";", (Choice("reserved", ("00",), default="00"), Choice("check_value_type", ("0", "1")))),
                ),
            ),
        ),
        answer=_CHECK_VALUE,
    ),
)
