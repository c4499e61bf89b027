"""The story of an advice: 0120 in, 0130 out. It tells what has happened already, so it is not judged.

It is recorded, acknowledged, and owed to the issuer from then on.
"""

from __future__ import annotations

from protocols.codes import APPROVED
from switch import outbound
from switch.configuration import Configuration
from switch.issuer_answer import billed
from switch.request import Request
from switch.story import Debt, Verdict, declined


def advise(request: Request, network: Configuration) -> Verdict:
    """Take the advice; only a card that nobody here issues has no one to pass it on to."""
    request.issued = network.routes.find(request.card_number)
    if request.issued is None:
        return declined("issuer.unknown")
    changes = outbound.changes(request, network)
    if changes is None:
        return declined("rate.none")
    return Verdict(APPROVED, elements=billed(changes), debt=Debt.ADVICE)
