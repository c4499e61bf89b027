"""The story of a financial request: 0200 in, 0210 out. The money moves at once (single message).

It is told like an authorization but for one thing: nobody stands in for the issuer, because an
account that is debited now is the issuer's alone to debit.
"""

from __future__ import annotations

from switch import stand_in
from switch.configuration import Configuration
from switch.request import Request
from switch.stories.authorize import authorize
from switch.story import Story


def financial(request: Request, network: Configuration) -> Story:
    """Refuse, or ask the issuer; where the issuer is silent, decline, and undo what it may have done."""
    return authorize(request, network, stand_in.nobody)
