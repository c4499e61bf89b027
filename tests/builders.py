"""One builder for messages, with every default visible: a test names only what it is about.

`authorization(amount="000000000100")` is the elements of a 0100, `frame(...)` its bytes,
`message(...)` the bytes read. Elements go by their names in the data dictionary; a None
leaves one out.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from protocols.dialects import dialect_named
from protocols.elements import element_named
from protocols.message import Message

Values = dict[int, str]

# A purchase at a shop, with card and PIN: nobody's card, nobody's key.
AUTHORIZATION: Final = MappingProxyType(
    {
        "pan": "9414100000000018",
        "processing_code": "000000",
        "amount": "000000012000",
        "transmitted_at": "1123205144",
        "stan": "000123",
        "local_time": "235144",
        "local_date": "1123",
        "expiry": "2912",
        "merchant_type": "5999",
        "pos_entry_mode": "051",
        "pos_condition_code": "00",
        "acquirer_id": "784001",
        "track_2": "9414100000000018=29121011234500000000",
        "rrn": "532720000123",
        "terminal_id": "TERM0001",
        "card_acceptor_id": "UAEMALL00000001",
        "card_acceptor_name": "UAE Mall Trading         Dubai        AE",
        "private_data": "X",
        "currency": "784",
        "pin_block": "0123456789ABCDEF",
        "additional_amounts": "0040784D000000001000",
    }
)

# An approval, as an issuer sends it back.
AUTHORIZATION_ANSWER: Final = MappingProxyType(
    {
        "pan": "9414100000000018",
        "processing_code": "000000",
        "amount": "000000012000",
        "transmitted_at": "1123205144",
        "stan": "000123",
        "local_time": "235144",
        "local_date": "1123",
        "acquirer_id": "784001",
        "rrn": "532720000123",
        "approval_code": "A1B2C3",
        "response_code": "00",
        "terminal_id": "TERM0001",
        "card_acceptor_id": "UAEMALL00000001",
        "currency": "784",
    }
)

# A reversal of the purchase above.
REVERSAL: Final = MappingProxyType(
    {
        "pan": "9414100000000018",
        "processing_code": "000000",
        "amount": "000000012000",
        "transmitted_at": "1123205200",
        "stan": "000124",
        "acquirer_id": "784001",
        "rrn": "532720000123",
        "terminal_id": "TERM0001",
        "card_acceptor_id": "UAEMALL00000001",
        "currency": "784",
        "original": "010000012311232051440000078400100000000000",
    }
)

NETWORK_MANAGEMENT: Final = MappingProxyType(
    {"transmitted_at": "1123205144", "stan": "000001", "network_management_code": "301"}
)

DEFAULTS: Final = MappingProxyType(
    {
        "01": AUTHORIZATION,
        "0110": AUTHORIZATION_ANSWER,
        "02": AUTHORIZATION,
        "0210": AUTHORIZATION_ANSWER,
        "04": REVERSAL,
        "08": NETWORK_MANAGEMENT,
    }
)


def values(mti: str = "0100", **changes: str | None) -> Values:
    """The elements of a message of this type, by number; an advice or a repeat has those of its request."""
    named = {**(DEFAULTS.get(mti) or DEFAULTS[mti[:2]]), **changes}
    return {element_named(name).number: value for name, value in named.items() if value is not None}


def authorization(**changes: str | None) -> Values:
    return values("0100", **changes)


def reversal(**changes: str | None) -> Values:
    return values("0420", **changes)


def network_management(**changes: str | None) -> Values:
    return values("0800", **changes)


def frame(mti: str = "0100", dialect: str = "iso87_ascii", **changes: str | None) -> bytes:
    """The same as bytes, without a length header."""
    return dialect_named(dialect).encode(mti, values(mti, **changes))


def message(mti: str = "0100", dialect: str = "iso87_ascii", **changes: str | None) -> Message:
    """The same as a peer's message, read."""
    return dialect_named(dialect).decode(frame(mti, dialect, **changes))
