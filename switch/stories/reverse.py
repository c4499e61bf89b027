"""The story of a reversal: 0400 or 0420 in, 0410 or 0430 out.

The switch takes the reversal upon itself: once it is on disk, the asker hears "00" and the
issuer hears of it through store and forward, however long that takes. Reversed once is
reversed: a second reversal gets the same answer and moves nothing.
"""

from __future__ import annotations

from protocols.codes import APPROVED
from protocols.mti import is_advice
from switch.configuration import Configuration
from switch.memory import Past
from switch.request import Request
from switch.story import Debt, Recall, Story, Verdict, declined


def reverse(request: Request, network: Configuration) -> Story:
    """Find the original, and undo it once."""
    original = request.message.original
    if original is None:
        return declined("missing.de90")
    key = request.key_of(original)
    past = yield Recall(key)
    if past is None:
        return unheard_of(request, key)
    assert isinstance(past, Past)
    if slug := contradiction(request, past):
        return Verdict(APPROVED) if is_advice(request.mti) else declined(slug)
    if past.reversed_by or past.declined:
        return Verdict(APPROVED)
    return Verdict(APPROVED, debt=Debt.REVERSAL if past.was_sent else None, reverses=past)


def unheard_of(request: Request, key: str) -> Verdict:
    """A reversal that came before its original: should the original still come, it is refused."""
    if is_advice(request.mti):
        return Verdict(APPROVED, tombstone=key)
    refused = declined("original.unknown")
    refused.tombstone = key
    return refused


def contradiction(request: Request, past: Past) -> str | None:
    """Why this reversal cannot be of that original, or None."""
    if past.card_number != request.card_number:
        return "original.unknown"
    if past.currency != request.currency:
        return "currency.differs"
    return "amount.above_original" if request.amount > past.amount else None
