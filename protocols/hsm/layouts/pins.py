"""Layouts of the PIN commands: translate a PIN block, verify a PIN, make a PVV or an offset, PINs under the LMK.

`account` is the 12 rightmost digits of the PAN without its check digit, or the
whole PAN with `;` behind it, which ISO format 4 wants. `minimum_length` is the
shortest PIN that is taken.
"""

from protocols.hsm.byte_fields import Sized
from protocols.hsm.codes import ACCOUNT, DATA_LENGTH, INDEX, KEY_TYPE_CODE, PIN_BLOCK_FORMAT, PIN_LENGTH, PVK_NOT_SINGLE
from protocols.hsm.fields import Choice, Digits, Hex, Key, Part, PinBlock, Run, Text, When
from protocols.hsm.layout import Layout
from protocols.hsm.pin_fields import (
    ExcludedPins,
    KeySerialNumber,
    Matched,
    PinUnderLmk,
    SizedBlock,
    account,
    decimalisation_table,
    flag,
    offset,
    validation_data,
)

SINGLE, DOUBLE = 16, 32  # hex digits of a key that says nothing of its length

_ACCOUNT = account()
_BOUND_TO = Digits("account", 12, ACCOUNT)  # where a run of digits in front allows of no PAN of another length
_PVKI = Digits("pvki", 1, INDEX)
_FORMAT = Digits("format", 2, PIN_BLOCK_FORMAT)
_MAXIMUM = Digits("maximum_pin_length", 2, default="12")
_MINIMUM = Digits("minimum_length", 2, default="04")
_PVV = Digits("pvv", 4)
_PVK = Key("pvk", bare=DOUBLE)
_IBM_PVK = Key("pvk", bare=SINGLE)
_BDK = Key("bdk", bare=DOUBLE)
_KEY_OF_TYPE: tuple[Part, ...] = (Text("key_type", 3, KEY_TYPE_CODE), Key("key"))
_CARD: tuple[Part, ...] = (_MINIMUM, _ACCOUNT, decimalisation_table(), validation_data())
_WARNS = frozenset({PVK_NOT_SINGLE})


def _after(parts: tuple[Part, ...], key: str = "", name: str = "pin_block") -> tuple[Part, ...]:
    """A PIN block and what stands behind it."""
    return (SizedBlock(name, parts, key), *parts)


def _serial(descriptor: str = "descriptor", ksn: str = "ksn", key: str = "bdk") -> tuple[Part, ...]:
    """Descriptor and key serial number."""
    return (Hex(descriptor, 3), KeySerialNumber(ksn, descriptor, key))


_TRANSLATED: tuple[Part, ...] = (Digits("pin_length", 2), PinBlock("pin_block", followed_by=2), Digits("format", 2))
_FROM_TO: tuple[Part, ...] = (
    Digits("source_format", 2, PIN_BLOCK_FORMAT),
    Digits("destination_format", 2, PIN_BLOCK_FORMAT),
    _ACCOUNT,
)


def _translation(command: str, title: str) -> Layout:
    keys = (Key("source_key"), Key("destination_key"))
    return Layout(command, title, request=(*keys, _MAXIMUM, *_after(_FROM_TO)), answer=_TRANSLATED)


# DUKPT: which BDK, and what the PIN goes to. Unverified against a device; one place to change it.
BDK_FLAGS = {"": "009", "~": "609", "!": "909"}
DESTINATION_FLAGS = {"": "001", "*": "009", "~": "609", "!": "909"}
_NEW_SERIAL = When("destination_flag", ("*", "~", "!"), _serial("new_descriptor", "new_ksn", "destination_key"))
_SAME_ACCOUNT = Matched("second_account", r"(?:;(?:[0-9]{12}(?![0-9]{1,7};)|[0-9]{13,19};))?", default="")

TRANSLATIONS = (
    _translation("CA", "translate a PIN block from a TPK to a ZPK"),
    _translation("CC", "translate a PIN block from a ZPK to a ZPK"),
    Layout(
        "CI",
        "translate a PIN block from a DUKPT key to a ZPK",
        request=(
            _BDK,
            Key("destination_key"),
            *_serial(),
            *_after((Digits("destination_format", 2, PIN_BLOCK_FORMAT), _ACCOUNT), "bdk"),
        ),
        answer=_TRANSLATED,
    ),
    Layout(
        "G0",
        "translate a PIN block from a DUKPT key to a ZPK or another DUKPT key",
        request=(
            flag("bdk_flag", "".join(BDK_FLAGS)),
            _BDK,
            flag("destination_flag", "".join(DESTINATION_FLAGS)),
            Key("destination_key", bare_by="destination_flag", bare_lengths={"": SINGLE, "*": DOUBLE, "~": DOUBLE}),
            *_serial(),
            _NEW_SERIAL,
            *_after((*_FROM_TO, _SAME_ACCOUNT), "bdk"),
        ),
        answer=_TRANSLATED,
    ),
)


# Verification by the Visa PVV and by IBM 3624: at a terminal, between institutions, under DUKPT.
_BY_PVV: tuple[Part, ...] = (_ACCOUNT, _PVKI, _PVV)
_BY_OFFSET: tuple[Part, ...] = (*_CARD, offset())

# GQ and GO may verify a MAC of the same transaction as well, as GW does: mode 0 of 8 hex digits, 1 of 16.
_MAC_ASKED = When("mode", ("1",), (Choice("mac_mode", ("0", "1")), Choice("mac_method", ("1",))))
_MAC: tuple[Part, ...] = (
    When("mac_mode", ("0",), (Hex("mac", 8),)),
    When("mac_mode", ("1",), (Hex("mac", 16),)),
    When("mode", ("1",), (Sized("message", 4, code=DATA_LENGTH),)),
)


def _with_mac(command: str, title: str, pvk: Key, parts: tuple[Part, ...]) -> Layout:
    keys: tuple[Part, ...] = (Choice("mode", ("0", "1")), _MAC_ASKED, _BDK, pvk, *_serial())
    return Layout(command, title, request=(*keys, *_after((_FORMAT, *parts), "bdk"), *_MAC))


VERIFICATIONS = (
    *(
        Layout(command, title, request=(Key(key), _PVK, *_after((_FORMAT, *_BY_PVV))))
        for command, title, key in (
            ("DC", "verify a terminal PIN by its Visa PVV", "terminal_key"),
            ("EC", "verify an interchange PIN by its Visa PVV", "zone_key"),
        )
    ),
    *(
        Layout(command, title, request=(Key(key), _IBM_PVK, _MAXIMUM, *_after((_FORMAT, *_BY_OFFSET))))
        for command, title, key in (
            ("DA", "verify a terminal PIN by its IBM offset", "terminal_key"),
            ("EA", "verify an interchange PIN by its IBM offset", "zone_key"),
        )
    ),
    Layout("CM", "verify a DUKPT PIN by its Visa PVV", request=(_BDK, _PVK, *_serial(), *_after(_BY_PVV, "bdk"))),
    Layout(
        "CK", "verify a DUKPT PIN by its IBM offset", request=(_BDK, _IBM_PVK, *_serial(), *_after(_BY_OFFSET, "bdk"))
    ),
    _with_mac("GQ", "verify a DUKPT PIN by its Visa PVV, and a MAC", _PVK, _BY_PVV),
    _with_mac("GO", "verify a DUKPT PIN by its IBM offset, and a MAC", _IBM_PVK, _BY_OFFSET),
    *(
        Layout(command, title, request=(Key(key), *_after((_FORMAT, _ACCOUNT, PinUnderLmk()))))
        for command, title, key in (
            ("BC", "compare a terminal PIN with one under the LMK", "terminal_key"),
            ("BE", "compare an interchange PIN with one under the LMK", "zone_key"),
        )
    ),
)


_CLEAR_PIN = Run("pin", followed_by=12, shortest=1, longest=20, code=PIN_LENGTH, filled=True)
_KEPT: tuple[Part, ...] = (PinUnderLmk(),)

UNDER_THE_LMK = (
    Layout("BA", "encrypt a clear PIN under the LMK", request=(_CLEAR_PIN, _BOUND_TO), answer=_KEPT),
    Layout(
        "NG",
        "decrypt a PIN under the LMK",
        request=(_ACCOUNT, PinUnderLmk()),
        answer=(Run("pin", followed_by=0, shortest=5, longest=13, code=PIN_LENGTH, filled=True),),
    ),
    Layout("BG", "move a PIN from the old LMK to the present one", request=(_ACCOUNT, PinUnderLmk()), answer=_KEPT),
    Layout(
        "LO",
        "move a decimalisation table from the old LMK to the present one",
        request=(decimalisation_table(),),
        answer=(decimalisation_table(),),
    ),
    Layout(
        "QK",
        "move a PIN under the LMK to another account",
        request=(
            PinUnderLmk((Digits("account", 12, ACCOUNT), Digits("new_account", 12, ACCOUNT)), at_least=24),
            Digits("account", 12, ACCOUNT),
            Digits("new_account", 12, ACCOUNT),
        ),
        answer=_KEPT,
    ),
    Layout(
        "JA",
        "make a random PIN",
        request=(_ACCOUNT, Matched("pin_length", "(?:[0-9]{2})?", PIN_LENGTH, default="")),
        answer=_KEPT,
    ),
    *(
        Layout(command, title, request=(Key(key), *_after((_FORMAT, _ACCOUNT))), answer=_KEPT)
        for command, title, key in (
            ("JC", "translate a PIN from a TPK to the LMK", "terminal_key"),
            ("JE", "translate a PIN from a ZPK to the LMK", "zone_key"),
        )
    ),
    Layout(
        "JG",
        "translate a PIN from the LMK to a ZPK",
        request=(Key("zone_key"), _FORMAT, _ACCOUNT, PinUnderLmk()),
        answer=(PinBlock("pin_block", followed_by=0),),
    ),
)


# A PVV or an offset of a PIN, and a PIN changed for another. Excluded PINs may stand behind all fields.
_PVV_CARD: tuple[Part, ...] = (_ACCOUNT, _PVKI)
_BOUND_PVV_CARD: tuple[Part, ...] = (_BOUND_TO, _PVKI)
_BOUND_CARD: tuple[Part, ...] = (_MINIMUM, _BOUND_TO, decimalisation_table(), validation_data())
_OLD_PVV: tuple[Part, ...] = (_FORMAT, _ACCOUNT, _PVKI, _PVV)
_OLD_OFFSET: tuple[Part, ...] = (_FORMAT, *_CARD, offset())
_NEW_BLOCK = SizedBlock("new_pin_block")
_LONG_OR_SHORT = Matched("new_pin_block", "[0-9A-F]{16}(?:[0-9A-F]{16})?")


def _change(old: tuple[Part, ...]) -> tuple[Part, ...]:
    """The old PIN's block, what it is known by, the new PIN's block."""
    return (SizedBlock("pin_block", (*old, _LONG_OR_SHORT), "key"), *old, _NEW_BLOCK, ExcludedPins())


MAKINGS = (
    Layout(
        "DG",
        "make a Visa PVV from a PIN under the LMK",
        request=(_PVK, PinUnderLmk(_BOUND_PVV_CARD, at_least=13), *_BOUND_PVV_CARD, ExcludedPins()),
        answer=(_PVV,),
    ),
    Layout(
        "FW",
        "make a Visa PVV from a PIN block",
        request=(*_KEY_OF_TYPE, _PVK, *_after((_FORMAT, *_PVV_CARD)), ExcludedPins()),
        answer=(_PVV,),
    ),
    Layout(
        "DE",
        "make an IBM offset from a PIN under the LMK",
        request=(_IBM_PVK, PinUnderLmk(_BOUND_CARD, at_least=42), *_BOUND_CARD, ExcludedPins()),
        answer=(offset(),),
        data_after=_WARNS,
    ),
    Layout(
        "BK",
        "make an IBM offset from a PIN block",
        request=(*_KEY_OF_TYPE, _IBM_PVK, *_after((_FORMAT, *_CARD)), ExcludedPins()),
        answer=(offset(),),
        data_after=_WARNS,
    ),
    Layout(
        "EE",
        "derive a PIN from its IBM offset",
        request=(_IBM_PVK, offset(), *_CARD),
        answer=_KEPT,
        data_after=_WARNS,
    ),
    Layout(
        "CU",
        "change a PIN, by its Visa PVV",
        request=(*_KEY_OF_TYPE, _PVK, *_change(_OLD_PVV)),
        answer=(Digits("new_pvv", 4),),
    ),
    Layout(
        "DU",
        "change a PIN, by its IBM offset",
        request=(*_KEY_OF_TYPE, _IBM_PVK, *_change(_OLD_OFFSET)),
        answer=(offset("new_offset"),),
        data_after=_WARNS,
    ),
)

LAYOUTS = (*TRANSLATIONS, *VERIFICATIONS, *UNDER_THE_LMK, *MAKINGS)
