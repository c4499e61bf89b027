"""The story of a reversal: 0400 or 0420 in, 0410 or 0430 out.

The switch takes the reversal upon itself: once it is on disk, the asker hears "00" and the
issuer hears of it through store and forward, however long that takes. Reversed once is
reversed: a second reversal gets the same answer and moves nothing.
"""

from __future__ import annotations

from protocols import elements as de
from protocols.codes import APPROVED
from protocols.money import AMOUNT_DIGITS, Amount, Rate, convert, currency_numbered
from protocols.mti import AUTHORIZATION, FINANCIAL, is_advice
from protocols.original import Original
from switch.configuration import Configuration
from switch.memory import Past
from switch.request import Request
from switch.story import Debt, Recall, Story, Verdict, declined


def reverse(request: Request, network: Configuration) -> Story:
    """Find the original, and undo it once: in full, or down to what DE 95 leaves of it."""
    original = request.message.original
    assert original is not None  # mandatory, and of the right form, or we would not be here
    key = request.key_of(original)
    if key == request.key or original.mti[1] not in (AUTHORIZATION, FINANCIAL):
        return refused(request, "original.unknown")
    past = yield Recall(key)
    if past is None:
        return unheard_of(request, key)
    part = past if past.completes is not None else None
    if past.completes is not None:  # what took a reservation is undone with it: to the issuer they are one
        past = (yield Recall(past.completes)) or past
    if slug := contradiction(request, original, past):
        return refused(request, slug)
    if past.reversed_by or past.declined:
        return Verdict(APPROVED)
    stands = standing(request, past, part)
    if part is None and not past.increases and past.left is not None and stands >= past.left:
        return Verdict(APPROVED)  # as little stands already: what was given back is not given back again
    return Verdict(
        APPROVED,
        debt=Debt.REVERSAL if past.was_sent else None,
        reverses=past,
        left=billed_for(stands, past),
        replacement=f"{stands:012d}{0:012d}C{0:08d}C{0:08d}" if stands and not replacement(request) else None,
    )


def refused(request: Request, slug: str) -> Verdict:
    """An advice of a reversal is acknowledged whatever it says (it has happened); a request can be refused."""
    return Verdict(APPROVED) if is_advice(request.mti) else declined(slug)


def unheard_of(request: Request, key: str) -> Verdict:
    """A reversal that came before its original: should the original still come, it is refused."""
    verdict = refused(request, "original.unknown")
    verdict.tombstone = key
    return verdict


def contradiction(request: Request, original: Original, past: Past) -> str | None:
    """Why this reversal cannot be of that original, or None."""
    if past.card_number != request.card_number or not came_through(past, original):
        return "original.unknown"
    if past.currency != request.currency:
        return "currency.differs"
    largest = max(request.amount, replacement(request) or 0)
    return "amount.above_original" if largest > past.reserved else None


def came_through(past: Past, original: Original) -> bool:
    """Whether DE 90 names the institution that the original came through; all zeros mean "not stated"."""
    acquirer = past.message.acquirer_id
    if not original.states_institutions or acquirer is None:
        return True
    return original.acquirer_id == acquirer.rjust(len(original.acquirer_id), "0")


def replacement(request: Request) -> int | None:
    """The first part of DE 95: what the transaction shall amount to after all, in its own currency."""
    text = request.message.get(de.REPLACEMENT_AMOUNTS)
    return None if text is None else int(text[:AMOUNT_DIGITS])


def standing(request: Request, past: Past, part: Past | None) -> int:
    """What shall remain of the original, in its own currency: what DE 95 leaves, and what other parts have taken."""
    others = past.taken.amount - part.amount if part is not None and past.taken is not None else 0
    return max(0, others) + (replacement(request) or 0)


def billed_for(amount: int, past: Past) -> int | None:
    """What remains, in the currency the holder is billed in; None: nothing, it is undone in full."""
    if not amount:
        return None
    rate, billed_in = past.message.get(de.BILLING_RATE), past.message.get(de.BILLING_CURRENCY)
    if rate is None or billed_in is None:
        return amount
    paid = Amount(amount, currency_numbered(past.currency))
    return convert(paid, currency_numbered(billed_in), Rate.from_de10(rate)).minor
