"""The story of a financial advice: 0220 in, 0230 out. A shop takes what it had reserved, or tells of a refund.

It has happened already, so it is recorded, acknowledged, and owed to the issuer from then on (rule T12: refused
only for its format, its MAC, or because it cannot be kept). What contradicts our books is an event for people
and changes nothing in what the asker hears; the issuer decides what to book.

A completion names the authorization (DE 90) by the asker's numbers, and the issuer hears ours. To both books
they are one transaction from then on, of which as much stands as was taken. A shop that delivers in parts
completes in parts: DE 48.62 says which of how many, and the last ends the reservation.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocols import elements as de
from protocols.codes import APPROVED
from protocols.mti import AUTHORIZATION
from switch import outbound
from switch.configuration import Configuration
from switch.issuer_answer import billed
from switch.memory import Past
from switch.request import Request
from switch.stories.reverse import came_through
from switch.story import Debt, Recall, Story, Verdict


def complete(request: Request, network: Configuration) -> Story:
    """Take the advice, whatever is wrong with it; for a card that nobody here issues there is nobody to tell."""
    request.issued = network.routes.find(request.card_number)
    if request.issued is None:
        return Verdict(APPROVED, trouble="issuer.unknown")
    changes = outbound.changes(request, network)
    elements = billed(changes or {})
    trouble = "rate.none" if changes is None else None
    original = request.message.original
    if original is None or original.mti[1] != AUTHORIZATION:
        return Verdict(APPROVED, elements=elements, debt=Debt.ADVICE, trouble=trouble)
    past = yield Recall(request.key_of(original))
    if past is None or past.card_number != request.card_number or not came_through(past, original):
        return Verdict(APPROVED, elements=elements, debt=Debt.ADVICE, trouble="original.unknown")
    trouble = contradiction(request, past) or trouble
    taken = Verdict(APPROVED, elements=elements, debt=Debt.ADVICE, about=past, trouble=trouble)
    if not (past.reversed_by or past.declined or past.completed_by):
        taken.reverses, taken.left = past, billed_so_far(request, past, elements)
    return taken


def billed_so_far(request: Request, past: Past, elements: Mapping[int, str]) -> int:
    """What this and the earlier parts come to, in the holder's currency."""
    billed = int(elements.get(de.BILLING_AMOUNT) or request.amount)
    return billed + (past.taken.billed if past.taken is not None else 0)


def contradiction(request: Request, past: Past) -> str | None:
    """What is odd about taking this much of that reservation, or None."""
    if past.reversed_by:
        return "original.reversed"
    if past.declined:
        return "original.unknown"
    if past.completed_by:
        return "original.completed"
    if past.currency != request.currency:
        return "currency.differs"
    taken = past.taken.amount if past.taken is not None else 0
    return "capture.above_hold" if taken + request.amount > past.to_take else None
