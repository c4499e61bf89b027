"""What an acquirer's host makes of a message: the same, under a name of its own (DE 7, 11), for its own institution.

Pure. What it is about (DE 90) is named as the network knows it from us, not as the switch named it to us.
"""

from __future__ import annotations

from acquirers.hosting.contracts import tenant_of
from acquirers.hosting.ledger import SENT, Leg
from acquirers.transaction import Request, Stamp
from protocols import elements as de
from protocols import mti as types
from protocols.codes import CASH_BACK, FUNDING, PURCHASE, REFUND
from protocols.message import Message
from protocols.mti import AUTHORIZATION, FINANCIAL
from protocols.original import Original

PREAUTHORIZED = "06"  # DE 25: a completion will take it
SALES = frozenset({PURCHASE, CASH_BACK, FUNDING, REFUND})
OURS = (de.STAN, de.TRANSMITTED_AT, de.ORIGINAL, de.MAC, de.MAC_2)


def key_of(message: Message) -> str:
    """The name of a request as the switch gave it: class, DE 11, DE 7."""
    return f"{message.mti[1]}/{message.stan}/{message.get(de.TRANSMITTED_AT)}"


def key_named(original: Original) -> str:
    """The same, of what DE 90 names."""
    return f"{original.mti[1]}/{original.stan}/{original.transmitted_at}"


def onward(message: Message, stamp: Stamp, institution: str, about: Leg | None) -> Request:
    """The message as it goes on. One that was on its way before keeps the name it had (`stamp`)."""
    values = {number: value for number, value in message.items() if number not in OURS}
    values |= {de.STAN: stamp.stan, de.TRANSMITTED_AT: stamp.transmitted_at, de.ACQUIRER_ID: institution}
    if about is not None:
        values[de.ORIGINAL] = about.upstream
    return Request(types.first_of(message.mti), dict(sorted(values.items())))


def leg_of(message: Message, request: Request, about: Leg | None, day: str) -> Leg:
    """The row of a request that is about to go on."""
    kind = (message.get(de.PROCESSING_CODE) or "")[:2]
    at_once = request.mti[1] == AUTHORIZATION and message.get(de.POS_CONDITION_CODE) != PREAUTHORIZED and about is None
    is_sale = kind in SALES and (at_once or request.mti[1] == FINANCIAL)
    return Leg(
        key_of(message),
        request.original.text,
        SENT,
        type=kind,
        about=about.key if about is not None and request.mti[1] == FINANCIAL else "",
        is_sale=int(is_sale),
        merchant=message.get(de.CARD_ACCEPTOR_ID) or "",
        tenant=tenant_of(message) or (about.tenant if about is not None else ""),
        amount=int(message.get(de.AMOUNT) or 0),
        currency=message.get(de.CURRENCY) or "",
        day=day,
        rrn=message.rrn or "",
    )
