"""What a story is: one transaction, told from top to bottom as a plain generator.

A story yields what it waits for (an issuer's answer, the HSM, the memory of an earlier
transaction) and returns a verdict. It never waits itself, sends nothing, records nothing:
only the core drives stories, at one place, one level deep. Refusals that need no waiting are
returned at once. A story that needs a second page is two stories.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

from protocols.codes import reason

if TYPE_CHECKING:
    from switch.configuration import Configuration
    from switch.memory import Past
    from switch.request import Request


class Silence(Enum):
    """Why an issuer did not answer."""

    DOWN = "issuer.down"  # no link is signed on: nothing was sent
    EXHAUSTED = "stan.exhausted"  # a million requests are out to it: nothing was sent
    TIMEOUT = "issuer.timeout"  # sent, and not answered in time: the outcome is unknown
    UNSEALED = "seal.not_made"  # the HSM made no MAC for it: nothing was sent
    UNCHECKED = "hsm.silent"  # answered, and the HSM could not say whether by the issuer: unknown
    FORGED = "mac.invalid"  # answered, not by the issuer or not so: unknown
    LOST = "issuer.lost"  # sent, and the link is gone or the answer was senseless: unknown just the same


class Debt(Enum):
    """What the issuer must still be told, however long it takes."""

    REVERSAL = "0420"
    ADVICE = "0120"


class Ask:
    """Send the request to its issuer with these elements changed (None drops one). Reply: Message or Silence.

    `to`: or to this host of an acquirer, which brings it back into the network.
    """

    __slots__ = ("changes", "to")

    def __init__(self, changes: dict[int, str | None], to: str | None = None) -> None:
        self.changes = changes
        self.to = to


class AskHsm:
    """Have the HSM do this. Reply: HsmAnswer, or None when it is down or silent."""

    __slots__ = ("command", "fields")

    def __init__(self, command: str, fields: Mapping[str, str]) -> None:
        self.command = command
        self.fields = fields


class Recall:
    """Look for an earlier request of the same participant. Reply: Past, or None: never seen.

    One in flight is ended by who takes it back; to anybody else it has not happened yet.
    """

    __slots__ = ("key", "takes_back")

    def __init__(self, key: str, *, takes_back: bool = True) -> None:
        self.key = key
        self.takes_back = takes_back


class AskSpent:
    """How much the switch has approved in the issuer's place for this card today. Reply: stood_in.Spent."""

    __slots__ = ()


class Total:
    """Add up what this participant asked, or answered, on one business date. Reply: totals.Figures."""

    __slots__ = ("currency", "day")

    def __init__(self, day: date, currency: str) -> None:
        self.day = day
        self.currency = currency


class Verdict:
    """How a story ends: what the asker is told, and what is owed to the issuer from now on."""

    __slots__ = (
        "about",
        "approval_code",
        "debt",
        "elements",
        "left",
        "reason",
        "replacement",
        "response_code",
        "reverses",
        "stand_in",
        "tombstone",
        "trouble",
    )

    def __init__(
        self,
        response_code: str,
        *,
        reason: str | None = None,
        approval_code: str | None = None,
        elements: dict[int, str] | None = None,
        debt: Debt | None = None,
        stand_in: bool = False,
        reverses: Past | None = None,
        left: int | None = None,
        tombstone: str | None = None,
        about: Past | None = None,
        trouble: str | None = None,
        replacement: str | None = None,
    ) -> None:
        self.response_code = response_code
        self.reason = reason  # DE 44: why not, in 25 characters
        self.approval_code = approval_code
        self.elements = elements  # more that goes into the answer, as the issuer sent it
        self.debt = debt
        self.stand_in = stand_in
        self.reverses = reverses  # the earlier transaction that ends here
        self.left = left  # what of it stands, in the holder's currency, where only a part is undone
        self.tombstone = tombstone  # the key of a request that must be refused should it still arrive
        self.about = about  # the earlier transaction that an advice names, whether or not it changes it
        self.replacement = replacement  # DE 95 for the issuer, where the request does not say it so
        self.trouble = trouble  # what is wrong with something that cannot be refused: people hear of it


Command = Ask | AskHsm | AskSpent | Recall | Total
Story = Generator[Command, Any, Verdict]
#: Begins a story; one that waits for nothing is its verdict.
Teller = Callable[["Request", "Configuration"], Story | Verdict]


def declined(slug: str, debt: Debt | None = None) -> Verdict:
    """The verdict for a named reason.

    >>> declined("issuer.down").response_code
    '91'
    """
    return Verdict(reason(slug).response_code, reason=slug, debt=debt)
