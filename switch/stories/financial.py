"""The story of a financial request: 0200 in, 0210 out. The money moves at once (single message).

It is told like an authorization but for one thing: nobody stands in for the issuer, because an
account that is debited now is the issuer's alone to debit. One that names an authorization takes
what that one reserved, and is another story.
"""

from __future__ import annotations

from protocols.mti import AUTHORIZATION
from switch import stand_in
from switch.configuration import Configuration
from switch.request import Request
from switch.stories.authorize import authorize
from switch.stories.capture import capture
from switch.story import Story


def financial(request: Request, network: Configuration) -> Story:
    """Refuse, or ask the issuer; where the issuer is silent, decline, and undo what it may have done."""
    original = request.message.original
    if original is not None and original.mti[1] == AUTHORIZATION:
        return capture(request, network)
    return authorize(request, network, stand_in.nobody)
