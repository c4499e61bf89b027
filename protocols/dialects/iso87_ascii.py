"""ISO 8583:1987 in ASCII: hex bitmap, binary elements as hex. What jPOS calls ISO87A."""

from iso8583.specs import default_ascii

from protocols.dialect import Dialect

DIALECT = Dialect(name="iso87_ascii", title="ISO 8583:1987, ASCII", version="0", spec=default_ascii)
