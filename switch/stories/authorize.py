"""The story of an authorization: 0100 in, 0110 out. The money moves later, if ever (dual message)."""

from __future__ import annotations

from protocols import elements as de
from switch import checks, issuer_answer, outbound, pins, stand_in
from switch.configuration import Configuration
from switch.request import Request
from switch.story import Ask, Silence, Story, declined


def authorize(
    request: Request, network: Configuration, when_silent: stand_in.WhenSilent = stand_in.without_issuer
) -> Story:
    """Refuse, or ask the issuer; and where the issuer is silent, decide in its place."""
    if slug := checks.refusal(request, network):
        return declined(slug)
    changes = outbound.changes(request, network)
    if changes is None:
        return declined("rate.none")
    if translation := pins.translation(request, network):
        translated = yield translation
        if pins.trouble(translated) == "pin.wrong" and (earlier := pins.translation(request, network, previous=True)):
            translated = yield earlier  # it may have been on its way when the key was changed
        if slug := pins.trouble(translated):
            return declined(slug)
        changes[de.PIN_BLOCK] = pins.translated_block(translated)
    answer = yield Ask(changes)
    if isinstance(answer, Silence):
        return when_silent(request, network, answer, changes)
    return issuer_answer.relayed(request, answer, changes)
