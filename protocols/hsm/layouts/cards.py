"""Layouts of the card verification commands: CVV, iCVV (service code 999), CVV2 (service code 000), and a chip's own.

A Visa CAVV is a CVV too: the last four digits of the authentication tracking
number for the expiry date, result and second factor for the service code.
"""

from protocols.hsm.byte_fields import Sized
from protocols.hsm.fields import Choice, Digits, Hex, Key, Until
from protocols.hsm.layout import Layout

PAN_LONGEST = 19

_CARD = (Until("pan", PAN_LONGEST), Digits("expiry", 4), Digits("service_code", 3))

LAYOUTS = (
    Layout("CW", "make a CVV", request=(Key("cvk", bare=32), *_CARD), answer=(Digits("cvv", 3),)),
    Layout(
        "PM",
        "verify a dynamic CVV or CVC3",
        request=(
            Choice("scheme", ("0", "1")),  # Visa, Mastercard
            Digits("version", 1),
            Key("mk", bare=32),
            Choice("derivation", ("0", "1")),  # of the card's key: option A, B
            Until("pan", PAN_LONGEST),
            Digits("psn", 2),
            Sized("track_data", 3),
            Hex("unpredictable_number", 8),
            Digits("atc", 5),
            Digits("value", 5),
        ),
    ),
    Layout("CY", "verify a CVV", request=(Key("cvk", bare=32), Digits("cvv", 3), *_CARD)),
)
