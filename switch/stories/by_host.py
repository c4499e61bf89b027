"""The story of a request whose acquirer has a host of its own: the host decides, and brings it into the network.

To us it is one transaction out to the host, told like one out to an issuer, and another that the host sends
under the acquirer's name; product, funds and PIN are judged there. Who is silent here is undone here: the host is
owed the reversal until it acknowledges, and undoes what it sent. The deadlines shrink inwards (gateway, host, issuer).
"""

from __future__ import annotations

from protocols import elements as de
from protocols.codes import is_approval
from protocols.mti import AUTHORIZATION
from protocols.pan import luhn_valid
from switch import issuer_answer, outbound, pins, stand_in
from switch.configuration import Configuration
from switch.debts import name_of
from switch.request import Request
from switch.stories.capture import capture
from switch.stories.reverse import came_through
from switch.story import Ask, Recall, Silence, Story, Teller, Verdict, declined


def or_by_host(otherwise: Teller) -> Teller:
    """By the acquirer's own host where there is one, else as told by another story."""

    def tell(request: Request, network: Configuration) -> Story | Verdict:
        host = network.host_of(request)
        if host is None:
            return otherwise(request, network)
        original = request.message.original
        if original is not None and original.mti[1] == AUTHORIZATION != request.mti[1]:
            return capture(request, network)  # what was reserved through the host is ours to take, and the host hears
        return by_host(request, network, host)

    return tell


def by_host(request: Request, network: Configuration, host: str) -> Story:
    """Ask the host, and pass its answer on."""
    if not luhn_valid(request.card_number):
        return declined("pan.luhn")
    request.issued = network.routes.find(request.card_number)
    if request.issued is None:
        return declined("issuer.unknown")
    changes: dict[int, str | None] = {}
    outbound.stamp(changes, request, network)
    original = request.message.original
    if original is not None:
        past = yield Recall(request.key_of(original), takes_back=False)
        if past is None or past.card_number != request.card_number or not came_through(past, original):
            return declined("original.unknown")
        changes[de.ORIGINAL] = name_of(past).text
    for block in pins.blocks(request):
        if translation := pins.translation(request, network, block, to=host):
            translated = yield translation
            if slug := pins.trouble(translated):
                return declined(slug)
            pins.put(block, pins.translated_block(translated), request, changes)
    answer = yield Ask(changes, to=host)
    if isinstance(answer, Silence):
        return stand_in.no_answer(answer)
    verdict = issuer_answer.relayed(request, answer, {})
    if original is not None and is_approval(verdict.response_code):
        verdict.elements = {**(verdict.elements or {}), de.ORIGINAL: original.text}
    return verdict
