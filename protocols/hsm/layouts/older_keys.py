"""Layouts of the older key commands: one for each type of key, where the general ones (A0, A6, A8) name the type.

`;` and three characters may close a request: the scheme under the ZMK, the
scheme under the LMK, the type of check value; what has nothing to say is there
all the same and is passed over. Without them keys are in the older, bare form.
"""

from protocols.hsm.codes import KEY_LENGTH_FLAG, KEY_TYPE_CODE, NOT_VERIFIED
from protocols.hsm.fields import Choice, Hex, Key, Mark, Optional, Part, Text, When
from protocols.hsm.key_fields import BareKey, Digits1or2, KeyAttributes, LmkId
from protocols.hsm.layout import Layout

_SCHEMES = Optional(";", (Text("export_scheme", 1), Text("scheme", 1), Choice("check_value_type", ("0", "1"))))
_HEADER = (LmkId(), KeyAttributes("#", "key_"))
_EXPORTED_HEADER = (LmkId(), KeyAttributes("&", "exported_"), LmkId())
_CHECK_VALUE: tuple[Part, ...] = (
    When("check_value_type", ("1",), (Hex("check_value", 6),)),
    When("check_value_type", ("0", ""), (Hex("check_value", 16),)),
)
_OF_THE_HALVES: tuple[Part, ...] = (*_CHECK_VALUE, When("scheme", ("",), (Hex("second_check_value", 16),)))
_FLAG = Choice("flag", ("0", "1"))  # 0 a ZEK, 1 a ZAK


def _import(command: str, title: str, *first: Part) -> Layout:
    return Layout(
        command,
        title,
        request=(
            *first,
            Key("zmk", bare=32),
            BareKey("key", tails=(0, 1, 2)),
            Digits1or2("atalla_variant"),
            _SCHEMES,
            *_HEADER,
        ),
        answer=(BareKey("key", (6, 16)), *_CHECK_VALUE),
        data_after=frozenset({NOT_VERIFIED}),  # a warning: the parity was corrected
    )


def _export(command: str, title: str, *first: Part) -> Layout:
    return Layout(
        command,
        title,
        request=(*first, Key("zmk", bare=32), BareKey("key", tails=(0,)), _SCHEMES, *_EXPORTED_HEADER),
        answer=(BareKey("exported_key", (6, 16)), *_CHECK_VALUE),
    )


def _generation(
    command: str, title: str, *first: Part, under: str = "zmk", bare: int = 16, tell: tuple[Part, ...] = _CHECK_VALUE
) -> Layout:
    return Layout(
        command,
        title,
        request=(*first, Key(under, bare=32), _SCHEMES, *_HEADER),
        answer=(Key("exported_key", bare=bare), Key("key", bare=bare), *tell),
    )


LAYOUTS = (
    _import("FA", "import a ZPK"),
    _import("FC", "import a TMK, TPK or PVK"),
    _import("MI", "import a TAK"),
    _import("AW", "import a CVK pair"),
    _import("DW", "import a BDK"),
    _import("BY", "import a ZMK"),
    _import("FK", "import a ZEK or ZAK", _FLAG),
    _export("GC", "export a ZPK"),
    _export("FE", "export a TMK, TPK or PVK"),
    _export("MG", "export a TAK"),
    _export("AU", "export a CVK pair"),
    _export("DY", "export a BDK"),
    _export("FM", "export a ZEK or ZAK", _FLAG),
    _generation("IA", "generate a ZPK"),
    _generation("FI", "generate a ZEK or ZAK", _FLAG),
    _generation("FG", "generate a PVK pair", bare=32, tell=_OF_THE_HALVES),
    _generation("HC", "generate a TMK, TPK or PVK", under="tmk", tell=()),
    _generation("HA", "generate a TAK", under="tmk", tell=()),
    Layout("AS", "generate a CVK pair", request=(_SCHEMES, *_HEADER), answer=(Key("key", bare=32), *_OF_THE_HALVES)),
    Layout("BI", "generate a BDK", request=(_SCHEMES, *_HEADER), answer=(Key("key", bare=32),)),
    Layout(
        "KA",
        "check value of a key, older form",
        request=(BareKey("key", tails=(2,)), Text("pair_code", 2, KEY_TYPE_CODE), _SCHEMES),
        answer=_CHECK_VALUE,
    ),
    Layout(
        "B0",
        "write a key in another scheme",
        request=(Text("key_type", 3, KEY_TYPE_CODE), BareKey("key", tails=(0,)), Text("scheme", 1), *_HEADER),
        answer=(Key("key"),),
    ),
    Layout(
        "BW",
        "move a key from the old LMK to the new",
        request=(
            Text("pair_code", 2, KEY_TYPE_CODE),
            Choice("key_length", ("0", "1", "2", "F"), KEY_LENGTH_FLAG),
            Key("key", bare_by="key_length", bare_lengths={"0": 16, "1": 32, "2": 48}),
            When("pair_code", ("FF",), (Mark(";"), Text("key_type", 3, KEY_TYPE_CODE))),
            Optional(";", (Choice("reserved", ("0",)), Text("scheme", 1), Choice("reserved_too", ("0",)))),
            *_HEADER,
            LmkId(),
            Optional("!", (Choice("check_value_flag", ("0", "1")), Choice("check_value_type", ("0", "1")))),
        ),
        answer=(BareKey("key", (0, 6)), When("check_value_flag", ("1",), _CHECK_VALUE)),
    ),
)
