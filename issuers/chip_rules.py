"""What the bank makes of how a card was read and how its holder was verified, once its cryptogram was right.

The chip has signed an amount, and the terminal has said what it verified: both must fit what the request asks for. And
what a product says of taps without a PIN and of stripes of cards whose chip was not read. Pure; whether the cryptogram
is genuine is `proofs`' business.
"""

from __future__ import annotations

from issuers.ask import Ask, Pin
from issuers.bank import Limits, Proof
from protocols import elements as de
from protocols import tlv
from protocols.errors import FormatError

FALLBACK, TAPPED = "80", ("07", "91")  # DE 22, its first two digits
AMOUNT, CURRENCY, HOLDER, RESULTS = "9F02", "5F2A", "9F34", "95"
ONLINE_PIN, METHOD = 2, 0x3F  # the method in the first byte of 9F34: EMV book 3, annex C3


def refusal(ask: Ask, limits: Limits) -> str | None:
    """Why not, or None. What the chip did not sign is not asked about."""
    entry, product = (ask.message.get(de.POS_ENTRY_MODE) or "")[:2], limits.product
    if entry == FALLBACK and not product.fallback:
        return "fallback.refused"
    most = limits.tap_without_pin
    if entry in TAPPED and ask.pin is Pin.NONE and most is not None and ask.amount > most:
        return "pin.missing"
    if ask.proved.get(Proof.ARQC.value) is not Pin.RIGHT:
        return None
    return _differs(ask) or _not_verified(ask, bytes.fromhex(product.refused_results))


def _tags(ask: Ask) -> dict[str, bytes]:
    try:
        return tlv.by_tag(ask.message.chip_data)
    except FormatError:
        return {}


def _differs(ask: Ask) -> str | None:
    """What the chip has signed is what is asked for: its amount and its currency."""
    tags = _tags(ask)
    amount, currency = tags.get(AMOUNT, b"").hex(), tags.get(CURRENCY, b"").hex()[-3:]
    is_same = amount.isdigit() and int(amount) == ask.transaction_amount and currency == ask.message.get(de.CURRENCY)
    return None if is_same else "chip.differs"


def _not_verified(ask: Ask, refused: bytes) -> str | None:
    """A holder verified by an online PIN has one in the request; and no result is one that the product refuses."""
    tags = _tags(ask)
    holder, results = tags.get(HOLDER, b""), tags.get(RESULTS, b"")
    if holder and holder[0] & METHOD == ONLINE_PIN and ask.pin is Pin.NONE:
        return "pin.missing"
    return "chip.results" if any(one & other for one, other in zip(results, refused, strict=False)) else None
