"""Layouts of the card verification commands: CVV, iCVV (service code 999), CVV2 (000), CSC, and a chip's own.

A Visa CAVV is a CVV too: the last four digits of the authentication tracking
number for the expiry date, result and second factor for the service code. PM and
QY follow no published layout; what is ours is said in docs/hsm-pins.md.
"""

from protocols.hsm.byte_fields import Sized
from protocols.hsm.codes import NOT_VERIFIED
from protocols.hsm.fields import Choice, Digits, Hex, Key, Part, Until, When
from protocols.hsm.layout import Layout
from protocols.hsm.pin_fields import Matched

PAN_LONGEST = 19
DYNAMIC_DIGITS = 5  # of a dynamic value; Visa's three stand at its end

_CARD = (Until("pan", PAN_LONGEST), Digits("expiry", 4), Digits("service_code", 3))
_DYNAMIC: tuple[Part, ...] = (
    Choice("scheme", ("0", "1")),  # Visa, Mastercard
    Digits("version", 1),
    Key("mk", bare=32),
    Choice("derivation", ("0", "1")),  # of the card's key: option A, B
    Until("pan", PAN_LONGEST),
    Digits("psn", 2),
    Sized("track_data", 3),
    Hex("unpredictable_number", 8),
    Digits("atc", 5),
)

CSC_MAKES, CSC_VERIFIES = "3", "4"
_CSC_LENGTHS = {"five": 5, "four": 4, "three": 3}


def _csc_given(name: str, length: int) -> Part:
    """A code to verify; all F where there is none."""
    return Matched(f"csc_{name}", f"[0-9]{{{length}}}|F{{{length}}}")


LAYOUTS = (
    Layout("CW", "make a CVV", request=(Key("cvk", bare=32), *_CARD), answer=(Digits("cvv", 3),)),
    Layout("CY", "verify a CVV", request=(Key("cvk", bare=32), Digits("cvv", 3), *_CARD)),
    Layout("PM", "verify a dynamic CVV or CVC3", request=(*_DYNAMIC, Digits("value", DYNAMIC_DIGITS))),
    Layout("QY", "make a dynamic CVV or CVC3", request=_DYNAMIC, answer=(Digits("value", DYNAMIC_DIGITS),)),
    Layout(
        "RY",
        "make or verify card security codes (CSC)",
        request=(
            Choice("mode", (CSC_MAKES, CSC_VERIFIES)),
            Choice("flag", ("0", "2")),  # 0: the first algorithm; 2: the second, with a service code
            Key("csck", bare=32),
            Digits("account", PAN_LONGEST),  # left-justified, filled with zeros
            Digits("expiry", 4),
            When("flag", ("2",), (Digits("service_code", 3),)),
            When("mode", (CSC_VERIFIES,), tuple(_csc_given(*one) for one in _CSC_LENGTHS.items())),
        ),
        answer=(
            Choice("mode", (CSC_MAKES, CSC_VERIFIES)),
            When("mode", (CSC_MAKES,), tuple(Digits(f"csc_{name}", length) for name, length in _CSC_LENGTHS.items())),
            When("mode", (CSC_VERIFIES,), tuple(Digits(f"csc_{name}_result", 1) for name in _CSC_LENGTHS)),
        ),
        data_after=frozenset({NOT_VERIFIED}),  # which of the codes did not hold
    ),
)
