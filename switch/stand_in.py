"""Standing in: what the switch decides when an issuer is silent.

Pure. Within the product's limit the switch approves in the issuer's place and owes it an
advice (0120). Otherwise it declines; and if the request went out, so that the issuer may have
approved it unheard, it owes a reversal (0420). What a card may spend so in a day is counted by the
switch itself (`stood_in`); all other limits that count belong to the issuer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from protocols.codes import APPROVED
from protocols.money import Amount, currency_numbered
from switch.configuration import Configuration
from switch.issuer_answer import billed
from switch.request import Request
from switch.stood_in import Spent
from switch.story import Debt, Silence, Verdict, declined

#: What decides where the issuer does not: the request, the network, why it is silent, what it was told differently.
WhenSilent = Callable[[Request, Configuration, Silence, Mapping[int, str | None], Spent], Verdict]


#: Why there is no answer -> why it is declined, and what is owed because the issuer may have approved.
NO_ANSWER: Mapping[Silence, tuple[str, Debt | None]] = {
    Silence.DOWN: ("issuer.down", None),
    Silence.EXHAUSTED: ("stan.exhausted", None),
    Silence.UNSEALED: ("hsm.down", None),
    Silence.TIMEOUT: ("issuer.timeout", Debt.REVERSAL),
    Silence.LOST: ("issuer.timeout", Debt.REVERSAL),
    Silence.UNCHECKED: ("hsm.down", Debt.REVERSAL),
    Silence.FORGED: ("mac.invalid", Debt.REVERSAL),
}

#: Not the issuer's silence but a fault on this side, or somebody's fraud: nobody stands in because of these.
OURS = frozenset({Silence.EXHAUSTED, Silence.UNSEALED, Silence.UNCHECKED, Silence.FORGED})


def without_issuer(
    request: Request, network: Configuration, silence: Silence, changes: Mapping[int, str | None], spent: Spent
) -> Verdict:
    """Approve within the limit, or say that the issuer was silent."""
    if silence in OURS or not may_stand_in(request, network, spent):
        return no_answer(silence)
    return Verdict(APPROVED, elements=billed(changes), debt=Debt.ADVICE, stand_in=True)


def nobody(
    _request: Request, _network: Configuration, silence: Silence, _changes: Mapping[int, str | None], _spent: Spent
) -> Verdict:
    """Nobody stands in: say that the issuer was silent."""
    return no_answer(silence)


def no_answer(silence: Silence) -> Verdict:
    """Decline; what may have reached the issuer is undone."""
    slug, debt = NO_ANSWER[silence]
    return declined(slug, debt)


def may_stand_in(request: Request, network: Configuration, spent: Spent) -> bool:
    """Whether the product lets the switch approve this: kind, channel, card and amount; no PIN, which the issuer knows.

    `spent`: what was approved so for this card today.
    """
    issued = request.issued
    if issued is None or issued.stand_in_limit is None or request.has_pin:
        return False
    product = issued.product
    if request.processing_type not in product.stand_in_types or request.card_number in product.stand_in_negative:
        return False
    if product.stand_in_channels is not None and request.channel not in product.stand_in_channels:
        return False
    amount = in_card_currency(request, network)
    if issued.stand_in_count_per_day is not None and spent.times >= issued.stand_in_count_per_day:
        return False
    if issued.stand_in_per_day is not None and spent.amount + amount.minor > issued.stand_in_per_day.minor:
        return False
    return amount <= issued.stand_in_limit


def in_card_currency(request: Request, network: Configuration) -> Amount:
    """What the holder is billed."""
    billing = network.billing(request)
    return billing.amount if billing else Amount(request.amount, currency_numbered(request.currency))
