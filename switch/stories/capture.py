"""The story of a request to take what was reserved: a 0200 that names an authorization in, 0210 out.

The issuer has promised the money already, so it is not asked again: what may be taken is in our books. The asker
is told at once, and can be refused; the issuer hears of it as of any completion, by a 0220 in store and forward.
Who asks twice for the same hears the first answer.
"""

from __future__ import annotations

from protocols.codes import APPROVED
from switch import checks, outbound
from switch.configuration import Configuration
from switch.issuer_answer import billed
from switch.memory import Past
from switch.request import Request
from switch.stories.complete import billed_so_far, contradiction
from switch.stories.reverse import came_through
from switch.story import Debt, Recall, Story, Verdict, declined

DAY_S = 86_400


def capture(request: Request, network: Configuration) -> Story:
    """Refuse, or take it."""
    if slug := checks.refusal(request, network):
        return declined(slug)
    changes = outbound.changes(request, network)
    if changes is None:
        return declined("rate.none")
    original = request.message.original
    assert original is not None  # or it would be another story
    past = yield Recall(request.key_of(original), takes_back=False)
    if past is None or past.card_number != request.card_number or not came_through(past, original):
        return declined("original.unknown")
    if past.completed_by is not None:
        first = yield Recall(past.completed_by, takes_back=False)
        return again(request, past, first)
    if slug := contradiction(request, past) or expiry(request, past):
        return declined(slug)
    elements = billed(changes)
    return Verdict(
        APPROVED,
        approval_code=past.answered.approval_code if past.answered else None,
        elements=elements,
        debt=Debt.ADVICE,
        about=past,
        reverses=past,
        left=billed_so_far(request, past, elements),
    )


def again(request: Request, past: Past, first: Past | None) -> Verdict:
    """It was taken already: to who asks for the same, the answer is the same; for another amount it is too late."""
    if past.reversed_by:
        return declined("original.reversed")
    if first is None or first.answered is None or first.amount != request.amount:
        return declined("original.completed")
    code = past.answered.approval_code if past.answered else None
    return Verdict(APPROVED, approval_code=code, elements=dict(first.answered.elements))


def expiry(request: Request, past: Past) -> str | None:
    """Whether the reservation is older than the card's product keeps one."""
    issued = request.issued
    days = issued.product.capture_days if issued is not None else None
    record = past.sent or past.answered
    if days is None or record is None or request.received_at - record.at <= days * DAY_S:
        return None
    return "original.expired"
