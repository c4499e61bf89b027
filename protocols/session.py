"""The life of a link: connected, signed on, key exchange, signed off, closed.

A transition table and a step. When to send a sign-on or an echo, and what a signed-off
participant is told, belong to the shells and stories; nothing here waits or counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from protocols import codes
from protocols.errors import RemoteProtocolError


class LinkState(StrEnum):
    CONNECTED = "connected"  # there, but nobody has said who it is
    SIGNED_ON = "signed on"
    KEY_EXCHANGE = "key exchange"  # signed on, and a new key is on its way; the old one still works
    SIGNED_OFF = "signed off"
    CLOSED = "closed"


class Signal(StrEnum):
    SIGN_ON = "sign-on"
    SIGN_OFF = "sign-off"
    ECHO = "echo"
    KEY_CHANGE = "key change"  # 0800/161 was sent or received
    KEY_CHANGED = "key changed"  # its answer was; the new key is in use, or was refused
    LOST = "lost"  # the connection is gone


# A sign-on when signed on and a sign-off when signed off are accepted: a host that was
# restarted does not know what it said before. A new connection starts at CONNECTED again.
TRANSITIONS: Final[Mapping[LinkState, Mapping[Signal, LinkState]]] = MappingProxyType(
    {
        LinkState.CONNECTED: {
            Signal.SIGN_ON: LinkState.SIGNED_ON,
            Signal.ECHO: LinkState.CONNECTED,
            Signal.LOST: LinkState.CLOSED,
        },
        LinkState.SIGNED_ON: {
            Signal.SIGN_ON: LinkState.SIGNED_ON,
            Signal.SIGN_OFF: LinkState.SIGNED_OFF,
            Signal.ECHO: LinkState.SIGNED_ON,
            Signal.KEY_CHANGE: LinkState.KEY_EXCHANGE,
            Signal.LOST: LinkState.CLOSED,
        },
        LinkState.KEY_EXCHANGE: {
            Signal.SIGN_ON: LinkState.SIGNED_ON,
            Signal.SIGN_OFF: LinkState.SIGNED_OFF,
            Signal.ECHO: LinkState.KEY_EXCHANGE,
            Signal.KEY_CHANGED: LinkState.SIGNED_ON,
            Signal.LOST: LinkState.CLOSED,
        },
        LinkState.SIGNED_OFF: {
            Signal.SIGN_ON: LinkState.SIGNED_ON,
            Signal.SIGN_OFF: LinkState.SIGNED_OFF,
            Signal.ECHO: LinkState.SIGNED_OFF,
            Signal.LOST: LinkState.CLOSED,
        },
        LinkState.CLOSED: {Signal.LOST: LinkState.CLOSED},
    }
)

# Where the agreement makes sign-on necessary, only these may carry a financial message.
CARRIES_TRAFFIC: Final = frozenset({LinkState.SIGNED_ON, LinkState.KEY_EXCHANGE})

# What DE 70 of a 0800 signals. Cut-over (201) is about the business date, not about the link.
SIGNALS: Final[Mapping[str, Signal]] = MappingProxyType(
    {
        codes.SIGN_ON: Signal.SIGN_ON,
        codes.SIGN_OFF: Signal.SIGN_OFF,
        codes.ECHO: Signal.ECHO,
        codes.KEY_CHANGE: Signal.KEY_CHANGE,
    }
)


def step(state: LinkState, signal: Signal) -> LinkState:
    """The state after the signal; RemoteProtocolError where the table has no such step.

    >>> step(LinkState.CONNECTED, Signal.SIGN_ON).value
    'signed on'
    >>> step(LinkState.CONNECTED, Signal.KEY_CHANGE)
    Traceback (most recent call last):
    protocols.errors.RemoteProtocolError: key change is not possible while connected
    """
    try:
        return TRANSITIONS[state][signal]
    except KeyError:
        raise RemoteProtocolError(f"{signal} is not possible while {state}") from None
