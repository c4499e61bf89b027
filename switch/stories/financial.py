"""The story of a financial request: 0200 in, 0210 out. The money moves at once (single message).

Nobody stands in for an issuer here: an account that is debited now is the issuer's alone to debit.
"""

from __future__ import annotations

from protocols import elements as de
from switch import checks, issuer_answer, outbound, pins, stand_in
from switch.configuration import Configuration
from switch.request import Request
from switch.story import Ask, Silence, Story, declined


def financial(request: Request, network: Configuration) -> Story:
    """Refuse, or ask the issuer; where the issuer is silent, decline, and undo what it may have done."""
    if slug := checks.refusal(request, network):
        return declined(slug)
    changes = outbound.changes(request, network)
    if changes is None:
        return declined("rate.none")
    if translation := pins.translation(request, network):
        translated = yield translation
        if slug := pins.trouble(translated):
            return declined(slug)
        changes[de.PIN_BLOCK] = pins.translated_block(translated)
    answer = yield Ask(changes)
    if isinstance(answer, Silence):
        return stand_in.no_answer(answer)
    return issuer_answer.relayed(request, answer, changes)
