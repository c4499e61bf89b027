"""ISO 8583:1987 in EBCDIC (cp500) throughout, with binary bitmap and binary elements: the customer-interface style."""

from protocols.dialect import Dialect
from protocols.elements import ELEMENTS
from protocols.spec import Style, spec_of

DIALECT = Dialect(
    name="ebcdic_cis",
    title="ISO 8583:1987, EBCDIC with binary bitmap",
    version="0",
    spec=spec_of(ELEMENTS, Style(text="cp500", lengths="cp500")),
)
