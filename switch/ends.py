"""The ends that the core talks to: connections, and the issuers behind some of them.

Plain state with a few questions; what follows from it is decided in the core.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from protocols.border import Today, spoken_with
from protocols.dialect import Dialect
from protocols.participant import Participant, SignOn
from protocols.session import CARRIES_TRAFFIC, LinkState
from protocols.translation import V1987
from switch.saf import Randomness, StoreAndForward
from switch.transaction import Transaction

STAN_LAST = 999_999
_THREE_DIGITS = tuple(f"{number:03d}" for number in range(1000))  # two looks cost half of one format


class Side(StrEnum):
    """What a connection is for."""

    GATEWAY = "gateway"  # requests come in
    ISSUER = "issuer"  # requests go out
    HSM = "hsm"
    CALLER = "caller"  # an issuer that dialled in and has not said who it is


class LinkEnd:
    """One connection, as the core knows it."""

    __slots__ = (
        "by_local_time",
        "dialect",
        "heard_at",
        "identifiable",
        "management",
        "number",
        "outstanding",
        "participant",
        "probed",
        "rejects",
        "sealed",
        "side",
        "state",
    )

    def __init__(
        self, number: int, side: Side, participant: Participant, identifiable: tuple[str, ...], today: Today
    ) -> None:
        self.number = number
        self.side = side
        self.participant = participant
        self.identifiable = identifiable  # whom a sign-on may name instead
        self.dialect: Dialect = spoken_with(participant, today)
        self.by_local_time = self.dialect.version != V1987  # how that edition knows a transaction
        self.sealed = participant.mac_key is not None  # what comes and goes here waits for the HSM
        self.state = LinkState.CONNECTED
        self.heard_at = 0.0
        self.outstanding = 0  # answers that somebody there waits for
        self.management = deque[float]()  # when its last 0800 came, where their number is limited
        self.probed = False  # an echo is out and unanswered
        self.rejects: list[float] = []  # when the last messages that could not be read came

    @property
    def may_ask(self) -> bool:
        """Whether financial messages are taken on this link now."""
        return self.state in CARRIES_TRAFFIC or (
            self.participant.sign_on is SignOn.OPTIONAL and self.state is not LinkState.SIGNED_OFF
        )


class IssuerEnd:
    """An issuer: its links, what is out to it, what is owed to it."""

    __slots__ = ("_turn", "last_stan", "links", "participant", "patience_s", "pending", "saf")

    def __init__(self, participant: Participant, random: Randomness) -> None:
        self.participant = participant
        self.patience_s = participant.deadlines.issuer_s
        self.links: list[LinkEnd] = []  # signed on
        self.pending: dict[str, Transaction] = {}  # by STAN; in the order of their deadlines, for all wait alike
        self.saf = StoreAndForward(self.patience_s, random)
        self.last_stan = 0
        self._turn = 0

    def next_link(self) -> LinkEnd | None:
        """The links take turns; None when nobody is signed on."""
        if not self.links:
            return None
        self._turn = (self._turn + 1) % len(self.links)
        return self.links[self._turn]

    def take_stan(self) -> str | None:
        """The next number that is not outstanding, or None when all are."""
        for _ in range(STAN_LAST):
            self.last_stan = self.last_stan % STAN_LAST + 1
            stan = _THREE_DIGITS[self.last_stan // 1000] + _THREE_DIGITS[self.last_stan % 1000]
            if stan not in self.pending and stan not in self.saf:
                return stan
        return None
