"""ISO 8583:1987 in the base-one style: a header of 22 bytes, packed digits, EBCDIC text, one-byte binary lengths.

All pads are zeros on the left, but DE 22, whose fourth digit is a filler on the right. Fees are text. No
element is longer than its length byte can say: 255.
"""

from protocols import elements
from protocols.dialect import Dialect
from protocols.elements import ELEMENTS, Kind
from protocols.header import BASE_ONE
from protocols.spec import Row, Style, packed, spec_of, text

STYLE = Style(text="cp500", lengths="b", is_packed=True)

CHANGES: dict[int, Row] = {
    elements.POS_ENTRY_MODE: {"left_pad": "", "right_pad": "0"},
    elements.TRACK_2: packed(37, STYLE, prefix=2),
    **{number: text(element.length, STYLE) for number, element in ELEMENTS.items() if element.kind is Kind.XN},
}

DIALECT = Dialect(
    name="ebcdic_base1",
    title="ISO 8583:1987, base-one style: header, packed digits, EBCDIC text",
    version="0",
    spec=spec_of(ELEMENTS, STYLE, CHANGES),
    header=BASE_ONE,
)
