"""The story of an advice: 0120 in, 0130 out. It tells what has happened already, so it is not judged.

It is recorded, acknowledged, and owed to the issuer from then on. Where nobody here issues such a card there is
nobody to owe it to: people hear of it instead (rule T12).
"""

from __future__ import annotations

from protocols.codes import APPROVED
from switch import outbound
from switch.configuration import Configuration
from switch.issuer_answer import billed
from switch.request import Request
from switch.story import Debt, Verdict


def advise(request: Request, network: Configuration) -> Verdict:
    """Take the advice, whatever is wrong with it."""
    request.issued = network.routes.find(request.card_number)
    if request.issued is None:
        return Verdict(APPROVED, trouble="issuer.unknown")
    changes = outbound.changes(request, network)
    trouble = "rate.none" if changes is None else None
    return Verdict(APPROVED, elements=billed(changes or {}), debt=Debt.ADVICE, trouble=trouble)
