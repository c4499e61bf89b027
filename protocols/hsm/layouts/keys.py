"""Layouts of the key management commands."""

from protocols.hsm.codes import KEY_LENGTH_FLAG, KEY_TYPE_CODE
from protocols.hsm.fields import Choice, Digits, Hex, Key, Mark, Optional, Text, When
from protocols.hsm.layout import Layout

# What a key block is to be good for; under a key-block LMK only.
_ATTRIBUTES = Optional(
    "#",
    (
        Text("key_usage", 2),
        Text("key_algorithm", 2),
        Text("mode_of_use", 1),
        Text("key_version", 2),
        Text("exportability", 1),
        Digits("optional_blocks", 2),
    ),
)

LAYOUTS = (
    Layout(
        "A0",
        "generate a key, and export it under a ZMK",
        request=(
            Choice("mode", ("0", "1")),  # 0 generate; 1 and export. A and B, which derive, are not built
            Text("key_type", 3, KEY_TYPE_CODE),
            Text("scheme", 1),
            When(
                "mode",
                ("1",),
                (
                    Optional(";", (Choice("export_flag", ("0", "1")),)),  # 0 under a ZMK, 1 under a TMK
                    Key("zmk", bare=32),
                    Text("export_scheme", 1),
                ),
            ),
            _ATTRIBUTES,
        ),
        answer=(Key("key"), When("mode", ("1",), (Key("exported_key"),)), Hex("check_value", 6)),
    ),
    Layout(
        "BU",
        "check value of a key",
        request=(
            Text("pair_code", 2, KEY_TYPE_CODE),
            Choice("key_length", ("0", "1", "2", "F"), KEY_LENGTH_FLAG),
            Key("key", bare_by="key_length", bare_lengths={"0": 16, "1": 32, "2": 48}),
            When("pair_code", ("FF",), (Mark(";"), Text("key_type", 3, KEY_TYPE_CODE))),
            Optional(";", (Choice("reserved", ("00",), default="00"), Choice("check_value_type", ("0", "1")))),
        ),
        answer=(
            When("check_value_type", ("1",), (Hex("check_value", 6),)),
            When("check_value_type", ("0", ""), (Hex("check_value", 16),)),
        ),
    ),
)
