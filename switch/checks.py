"""Whether a request may go to its issuer at all: the refusals of the network itself, in their order.

Check digit, prefix, product, merchant and terminal; format, link and duplicates came before
(the core sees to those), the issuer's own reasons come after. The first that applies is the answer.
"""

from __future__ import annotations

from protocols import elements as de
from protocols.codes import TRANSACTION_TYPES
from protocols.money import UnknownCurrencyError, currency_numbered
from protocols.pan import luhn_valid
from protocols.tlv import card_numbers, parse
from protocols.values import nearest
from switch.configuration import Configuration
from switch.merchants import contract_refusal
from switch.processing import WITHOUT_AMOUNT
from switch.request import Request

TRACK_2_SEPARATORS = ("=", "D")


def refusal(request: Request, network: Configuration) -> str | None:
    """The slug of the first refusal that applies, or None; finds the request's product on the way."""
    if not clocks_agree(request):
        return "format.de7"
    if not luhn_valid(request.card_number):
        return "pan.luhn"
    if not (track_agrees(request) and chip_agrees(request)):
        return "pan.differs"
    request.issued = network.routes.find(request.card_number)
    if request.issued is None:
        return "issuer.unknown"
    return request.issued.product.refusal(request) or amount_refusal(request) or contract_refusal(request)


def amount_refusal(request: Request) -> str | None:
    """Why what is asked for cannot be an amount of money, or None."""
    if request.processing_type not in TRANSACTION_TYPES:
        return "type.unknown"
    try:
        currency_numbered(request.currency)
    except UnknownCurrencyError:
        return "currency.unknown"
    return "amount.zero" if request.amount == 0 and request.processing_type not in WITHOUT_AMOUNT else None


def clocks_agree(request: Request) -> bool:
    """Whether DE 7 is near enough to now for a participant whose agreement says how near that must be."""
    limit = request.participant.skew_s
    if limit is None:
        return True
    moment = nearest(request.message.get(de.TRANSMITTED_AT) or "", request.received_at)
    return abs(moment - request.received_at) <= limit


def track_agrees(request: Request) -> bool:
    """Track 2, where it was read, must be of the card that DE 2 names."""
    track = request.message.get(de.TRACK_2)
    return track is None or track_names(track, request.card_number)


def track_names(track: str, number: str) -> bool:
    """Whether this track 2 is of the card with this number."""
    return track.startswith(number) and track[len(number) : len(number) + 1] in TRACK_2_SEPARATORS


def chip_agrees(request: Request) -> bool:
    """The chip, where it names a card at all (tags 5A and 57), must name that of DE 2."""
    chip = request.message.get(de.ICC_DATA)
    if chip is None:
        return True
    return all(number == request.card_number for number in card_numbers(parse(bytes.fromhex(chip))))
