"""ISO 8583:1987 in binary: packed digits and lengths, binary bitmap, text in ASCII. What jPOS calls ISO87B.

An odd number of digits has its pad on the left, a card number and track 2 on the right. The identification
codes of institutions are read with the pad on either side, because jPOS writes it on the right.
"""

from protocols import elements
from protocols.dialect import Dialect
from protocols.elements import ELEMENTS
from protocols.spec import Row, Style, packed, spec_of, text

STYLE = Style(lengths="bcd", is_packed=True)
INSTITUTIONS = (
    elements.ACQUIRER_ID,
    elements.FORWARDER_ID,
    elements.SETTLEMENT_INSTITUTION_ID,
    elements.RECEIVER_ID,
)
CURRENCIES = (elements.CURRENCY, elements.SETTLEMENT_CURRENCY, elements.BILLING_CURRENCY)

CHANGES: dict[int, Row] = {
    elements.PAN: packed(19, STYLE, prefix=2, right="0"),
    elements.TRACK_2: packed(37, STYLE, prefix=2, right="0"),
    **{number: {"right_pad": "0"} for number in INSTITUTIONS},
    **{number: text(3, STYLE) for number in CURRENCIES},
}

DIALECT = Dialect(
    name="iso87_binary",
    title="ISO 8583:1987, packed digits and binary bitmap",
    version="0",
    spec=spec_of(ELEMENTS, STYLE, CHANGES),
)
