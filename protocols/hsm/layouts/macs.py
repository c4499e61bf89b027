"""Layouts of the MAC commands: ISO 9797-1 and CMAC with a MAC key, in blocks, under DUKPT; HMAC; the older forms.

`message` is given as it is to travel: bytes as Latin-1 where `input_format` is
0 (binary) or 2 (text), hex digits where it is 1; its length counts characters
as sent. An `iv` is as long as a block of the key's cipher.

LQ, LS and MY have no settled layout anywhere; these are ours. In GW, method 1
and modes 0, 1, 3 and 4 are what is known of it.
"""

from protocols.hsm.byte_fields import CipherBlock, Rest, Secret, Sized
from protocols.hsm.codes import DATA_LENGTH
from protocols.hsm.fields import Choice, Counted, Hex, Key, Part, When
from protocols.hsm.layout import Layout
from protocols.hsm.pin_fields import KeySerialNumber

MODE, INPUT_FORMAT, ALGORITHM, KEY_TYPE, LENGTH, PADDING = "02", "03", "04", "05", "06", "09"
# Mode: 0 the only block, 1 the first, 2 a middle one, 3 the last.
_IV = CipherBlock("iv", "key")
_HOW: tuple[Part, ...] = (
    Choice("mode", ("0", "1", "2", "3"), MODE),
    Choice("input_format", ("0", "1", "2"), INPUT_FORMAT),
    Choice("mac_size", ("0", "1")),  # 0: 8 hex digits, 1: 16
    Choice("algorithm", ("1", "3", "5", "6"), ALGORITHM),  # of ISO 9797-1; CMAC is 5 there, and 6 to some
    Choice("padding", ("0", "1", "2", "3"), PADDING),  # 0 none, else the method of ISO 9797-1
)
_MESSAGE: tuple[Part, ...] = (
    When("mode", ("2", "3"), (_IV,)),
    Counted("message", LENGTH),
)
_KEY: tuple[Part, ...] = (Choice("key_type", ("003", "008", "FFF"), KEY_TYPE), Key("key"))
_REQUEST = (*_HOW, *_KEY, *_MESSAGE)
_MAC: tuple[Part, ...] = (
    When("mac_size", ("0",), (Hex("mac", 8),)),
    When("mac_size", ("1",), (Hex("mac", 16),)),
)
_CHAINED: tuple[Part, ...] = (When("mode", ("1", "2"), (_IV,)),)
_ONLY_OR_LAST = ("0", "3")

# Messages of up to 32 KB in blocks: 0 the only one, 1 the first, 2 a middle one, 3 the last.
_BLOCK = Choice("mode", ("0", "1", "2", "3"))
_BLOCK_MAC: tuple[Part, ...] = (
    When("mode", ("1", "2"), (_IV,)),
    When("mode", ("0", "3"), (CipherBlock("mac", "key"),)),
)

HMAC_HASHES = {"01": "sha1", "05": "sha224", "06": "sha256", "07": "sha384", "08": "sha512"}
_HMAC_REQUEST: tuple[Part, ...] = (
    Choice("hash", tuple(HMAC_HASHES), "05"),
    Secret("key"),
    Sized("message", 5, code=DATA_LENGTH),
)

# Under DUKPT. Mode: 0, 1 verify 8 or 16 hex digits; 3, 4 make as many.
MAKES = ("3", "4")
_DUKPT_SHORT, _DUKPT_LONG = (Hex("mac", 8),), (Hex("mac", 16),)

LAYOUTS = (
    Layout("M6", "make a MAC", request=_REQUEST, answer=(*_CHAINED, When("mode", _ONLY_OR_LAST, _MAC))),
    Layout("M8", "verify a MAC", request=(*_REQUEST, When("mode", _ONLY_OR_LAST, _MAC)), answer=_CHAINED),
    Layout(
        "MY",
        "verify a MAC and make one under another key",
        request=(
            *_HOW,
            Choice("key_type", ("003", "008", "FFF"), KEY_TYPE),
            Key("key"),
            Choice("destination_key_type", ("003", "008", "FFF"), KEY_TYPE),
            Key("destination_key"),
            Counted("message", LENGTH),
            *_MAC,
        ),
        answer=tuple(
            When("mac_size", (size,), (Hex("destination_mac", digits),)) for size, digits in (("0", 8), ("1", 16))
        ),
    ),
    Layout("MA", "make a MAC under a TAK", request=(Key("key"), Rest("message")), answer=(Hex("mac", 8),)),
    Layout("MC", "verify a MAC under a TAK", request=(Key("key"), Hex("mac", 8), Rest("message"))),
    Layout(
        "ME",
        "verify a MAC and make one under another TAK",
        request=(Key("key"), Key("destination_key"), Hex("mac", 8), Rest("message")),
        answer=(Hex("mac", 8),),
    ),
    Layout(
        "MQ",
        "make the MAC of a large message under a ZAK",
        request=(
            _BLOCK,
            Key("key"),
            When("mode", ("2", "3"), (_IV,)),
            Sized("message", 3, base=16, code=DATA_LENGTH),
        ),
        answer=_BLOCK_MAC,
    ),
    Layout(
        "MS",
        "make the MAC of a large message by X9.9 or X9.19",
        request=(
            _BLOCK,
            Choice("key_type", ("0", "1")),  # 0 TAK, 1 ZAK
            Choice("key_length", ("0", "1")),  # 0 single: X9.9; 1 double: X9.19
            Choice("message_type", ("0", "1")),  # 0 binary, 1 hex
            Key("key", bare_by="key_length", bare_lengths={"0": 16, "1": 32}),
            When("mode", ("2", "3"), (_IV,)),
            Sized("message", 4, base=16, code=DATA_LENGTH),
        ),
        answer=_BLOCK_MAC,
    ),
    Layout(
        "GW",
        "make or verify a MAC under DUKPT",
        request=(
            Choice("mode", ("0", "1", "3", "4"), MODE),
            Choice("method", ("1",), INPUT_FORMAT),
            Key("bdk", bare=32),
            Hex("descriptor", 3),
            KeySerialNumber("ksn", "descriptor", "bdk"),
            When("mode", ("0",), _DUKPT_SHORT),
            When("mode", ("1",), _DUKPT_LONG),
            Sized("message", 4, code=DATA_LENGTH),
        ),
        answer=(When("mode", ("3",), _DUKPT_SHORT), When("mode", ("4",), _DUKPT_LONG)),
    ),
    Layout("LQ", "make an HMAC", request=_HMAC_REQUEST, answer=(Sized("mac", 4),)),
    Layout("LS", "verify an HMAC", request=(*_HMAC_REQUEST, Sized("mac", 4))),
)
