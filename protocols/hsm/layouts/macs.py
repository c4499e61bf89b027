"""Layouts of the MAC commands.

`message` is given as it is to travel: bytes as Latin-1 where `input_format` is
0 (binary) or 2 (text), hex digits where it is 1; its length counts characters
as sent.
"""

from protocols.hsm.fields import Choice, Counted, Hex, Key, Part, When
from protocols.hsm.layout import Layout

MODE, INPUT_FORMAT, ALGORITHM, KEY_TYPE, LENGTH, PADDING = "02", "03", "04", "05", "06", "09"

# Mode: 0 the only block, 1 the first, 2 a middle one, 3 the last.
_REQUEST: tuple[Part, ...] = (
    Choice("mode", ("0", "1", "2", "3"), MODE),
    Choice("input_format", ("0", "1", "2"), INPUT_FORMAT),
    Choice("mac_size", ("0", "1")),  # 0: 8 hex digits, 1: 16
    Choice("algorithm", ("1", "3"), ALGORITHM),  # of ISO 9797-1
    Choice("padding", ("0", "1", "2"), PADDING),  # 0 none, else the method of ISO 9797-1
    Choice("key_type", ("003", "008", "FFF"), KEY_TYPE),
    Key("key"),
    When("mode", ("2", "3"), (Hex("iv", 16),)),
    Counted("message", LENGTH),
)
_MAC: tuple[Part, ...] = (
    When("mac_size", ("0",), (Hex("mac", 8),)),
    When("mac_size", ("1",), (Hex("mac", 16),)),
)
_CHAINED: tuple[Part, ...] = (When("mode", ("1", "2"), (Hex("iv", 16),)),)

LAYOUTS = (
    Layout("M6", "make a MAC", request=_REQUEST, answer=(*_CHAINED, When("mode", ("0", "3"), _MAC))),
    Layout("M8", "verify a MAC", request=(*_REQUEST, When("mode", ("0", "3"), _MAC)), answer=_CHAINED),
)
