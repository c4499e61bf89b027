"""The story of an authorization: 0100 in, 0110 out. The money moves later, if ever (dual message).

One that names another (DE 90) increases it. The issuer hears that one's name as it knows it, and nobody answers
in the issuer's place: what may still be reserved is the issuer's to say.
"""

from __future__ import annotations

from protocols import elements as de
from protocols.codes import is_approval
from protocols.mti import AUTHORIZATION
from switch import checks, issuer_answer, outbound, pins, stand_in
from switch.configuration import Configuration
from switch.debts import name_of
from switch.memory import Past
from switch.request import Request
from switch.stories.reverse import came_through
from switch.story import Ask, AskSpent, Recall, Silence, Story, declined


def authorize(
    request: Request, network: Configuration, when_silent: stand_in.WhenSilent = stand_in.without_issuer
) -> Story:
    """Refuse, or ask the issuer; and where the issuer is silent, decide in its place."""
    if slug := checks.refusal(request, network):
        return declined(slug)
    changes = outbound.changes(request, network)
    if changes is None:
        return declined("rate.none")
    original = request.message.original if request.mti[1] == AUTHORIZATION else None
    if original is not None:
        past = yield Recall(request.key_of(original), takes_back=False)
        if past is None or not came_through(past, original):
            return declined("original.unknown")
        if slug := not_to_be_raised(request, past):
            return declined(slug)
        changes[de.ORIGINAL], when_silent = name_of(past).text, stand_in.nobody
    for block in pins.blocks(request):
        if translation := pins.translation(request, network, block):
            translated = yield translation
            if pins.trouble(translated) == "pin.wrong" and (
                earlier := pins.translation(request, network, block, previous=True)
            ):
                translated = yield earlier  # it may have been on its way when the key was changed
            if slug := pins.trouble(translated):
                return declined(slug)
            pins.put(block, pins.translated_block(translated), request, changes)
    answer = yield Ask(changes)
    if isinstance(answer, Silence):
        return when_silent(request, network, answer, changes, (yield AskSpent()))
    verdict = issuer_answer.relayed(request, answer, changes)
    if original is not None and is_approval(verdict.response_code):
        verdict.elements = {**(verdict.elements or {}), de.ORIGINAL: original.text}
    return verdict


def not_to_be_raised(request: Request, past: Past) -> str | None:
    """Why this is no authorization that can be increased, or None. Whether it still holds, the issuer knows."""
    if past.card_number != request.card_number or past.declined or not past.was_sent:
        return "original.unknown"
    if past.reversed_by:
        return "original.reversed"
    if past.taken is not None:
        return "original.completed"
    return "currency.differs" if past.currency != request.currency else None
