"""ISO 8583:1987 in ASCII, but with bitmaps and binary elements as bytes."""

from iso8583.specs import default

from protocols.dialect import Dialect

DIALECT = Dialect(name="iso87_ascii_binmap", title="ISO 8583:1987, ASCII with binary bitmap", version="0", spec=default)
