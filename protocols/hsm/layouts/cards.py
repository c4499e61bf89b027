"""Layouts of the card verification commands: CVV, iCVV (service code 999), CVV2 (service code 000)."""

from protocols.hsm.fields import Digits, Key, Until
from protocols.hsm.layout import Layout

PAN_LONGEST = 19

_CARD = (Until("pan", PAN_LONGEST), Digits("expiry", 4), Digits("service_code", 3))

LAYOUTS = (
    Layout("CW", "make a CVV", request=(Key("cvk", bare=32), *_CARD), answer=(Digits("cvv", 3),)),
    Layout("CY", "verify a CVV", request=(Key("cvk", bare=32), Digits("cvv", 3), *_CARD)),
)
