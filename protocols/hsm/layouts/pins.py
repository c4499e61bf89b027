"""Layouts of the PIN commands: translate a PIN block, verify a PIN, make a PVV.

`account` is the 12 rightmost digits of the PAN without its check digit.
"""

from protocols.hsm.codes import ACCOUNT, INDEX, PIN_BLOCK_FORMAT, PIN_LENGTH, PIN_UNDER_LMK
from protocols.hsm.fields import Digits, Key, PinBlock, Run
from protocols.hsm.layout import Layout

_ACCOUNT = Digits("account", 12, ACCOUNT)
_PVKI = Digits("pvki", 1, INDEX)


def _pin_under_lmk(followed_by: int) -> Run:
    """One digit more than the PIN it hides."""
    return Run("pin_under_lmk", followed_by, shortest=4 + 1, longest=12 + 1, code=PIN_UNDER_LMK)


def _translation(command: str, title: str) -> Layout:
    return Layout(
        command,
        title,
        request=(
            Key("source_key"),
            Key("destination_key"),
            Digits("maximum_pin_length", 2, default="12"),
            PinBlock("pin_block", followed_by=2 + 2 + 12),
            Digits("source_format", 2, PIN_BLOCK_FORMAT),
            Digits("destination_format", 2, PIN_BLOCK_FORMAT),
            _ACCOUNT,
        ),
        answer=(Digits("pin_length", 2), PinBlock("pin_block", followed_by=2), Digits("format", 2)),
    )


def _pvv_verification(command: str, title: str, pin_key: str) -> Layout:
    return Layout(
        command,
        title,
        request=(
            Key(pin_key),
            Key("pvk", bare=32),
            PinBlock("pin_block", followed_by=2 + 12 + 1 + 4),
            Digits("format", 2, PIN_BLOCK_FORMAT),
            _ACCOUNT,
            _PVKI,
            Digits("pvv", 4),
        ),
    )


LAYOUTS = (
    _translation("CA", "translate a PIN block from a TPK to a ZPK"),
    _translation("CC", "translate a PIN block from a ZPK to a ZPK"),
    _pvv_verification("DC", "verify a terminal PIN by its Visa PVV", "terminal_key"),
    _pvv_verification("EC", "verify an interchange PIN by its Visa PVV", "zone_key"),
    Layout(
        "BA",
        "encrypt a clear PIN under the LMK",
        request=(Run("pin", followed_by=12, shortest=1, longest=20, code=PIN_LENGTH, filled=True), _ACCOUNT),
        answer=(_pin_under_lmk(followed_by=0),),
    ),
    Layout(
        "DG",
        "make a Visa PVV from a PIN under the LMK",
        request=(Key("pvk", bare=32), _pin_under_lmk(followed_by=12 + 1), _ACCOUNT, _PVKI),
        answer=(Digits("pvv", 4),),
    ),
)
