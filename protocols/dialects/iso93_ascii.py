"""ISO 8583:1993 in ASCII: hex bitmap, binary elements as hex. What jPOS calls ISO93A."""

from protocols.dialect import Dialect
from protocols.elements93 import ELEMENTS_93
from protocols.spec import Style, spec_of

DIALECT = Dialect(
    name="iso93_ascii",
    title="ISO 8583:1993, ASCII",
    version="1",
    spec=spec_of(ELEMENTS_93, Style(is_raw=False)),
    dictionary=ELEMENTS_93,
)
