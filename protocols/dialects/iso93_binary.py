"""ISO 8583:1993 in binary: packed digits and lengths, binary bitmap, text in ASCII. What jPOS calls ISO93B.

Pads as in `iso87_binary`; unlike jPOS's table, which says of itself that it is untested, track 2 is packed too.
"""

from protocols import elements
from protocols.dialect import Dialect
from protocols.dialects.iso87_binary import CHANGES, STYLE
from protocols.elements93 import ELEMENTS_93
from protocols.spec import spec_of

# In 1993 DE 99 may have letters, so it is text there.
TEXT_NOW = (elements.SETTLEMENT_INSTITUTION_ID,)

DIALECT = Dialect(
    name="iso93_binary",
    title="ISO 8583:1993, packed digits and binary bitmap",
    version="1",
    spec=spec_of(ELEMENTS_93, STYLE, {number: row for number, row in CHANGES.items() if number not in TEXT_NOW}),
    dictionary=ELEMENTS_93,
)
