"""The story of a link: 0800 in, 0810 out. Sign-on, sign-off, echo.

It waits for nothing and records nothing, so it is a plain function: a message and the link's state
in, what to say and the state after it out. What a sign-on sets in motion is the core's.
"""

from __future__ import annotations

from typing import NamedTuple

from protocols import elements as de
from protocols.codes import NETWORK_MANAGEMENT_TITLES
from protocols.errors import RemoteProtocolError
from protocols.message import Message
from protocols.session import SIGNALS, LinkState, Signal, step
from switch.ends import LinkEnd

MINUTE_S = 60.0

#: What a peer may ask of a link.
TAKEN = frozenset({Signal.SIGN_ON, Signal.SIGN_OFF, Signal.ECHO, Signal.KEY_CHANGE})


class Management(NamedTuple):
    """How a 0800 is answered."""

    refusal: str | None  # the slug, or None: 00
    signal: Signal | None  # what it meant for the link
    state: LinkState  # after it


def too_often(link: LinkEnd, now: float) -> bool:
    """Whether this 0800 is one more than the agreement lets through in a minute; one that is not counts."""
    limit, times = link.participant.management_per_minute, link.management
    if limit is None:
        return False
    while times and now - times[0] >= MINUTE_S:
        times.popleft()
    if len(times) >= limit:
        return True
    times.append(now)
    return False


def management_code(message: Message) -> str:
    """DE 70 for the log, where it is one of the network's."""
    code = message.get(de.NETWORK_MANAGEMENT_CODE) or ""
    return code if code in NETWORK_MANAGEMENT_TITLES else "unknown"


def network_management(message: Message, state: LinkState) -> Management:
    """Answer a complete 0800 by the table of link states."""
    signal = SIGNALS.get(message.get(de.NETWORK_MANAGEMENT_CODE) or "")
    if signal not in TAKEN:
        return Management("management.unknown", None, state)
    try:
        return Management(None, signal, step(state, signal))
    except RemoteProtocolError:
        return Management("link.not_signed_on", None, state)
