"""The ends that the core talks to: connections, and the issuers behind some of them.

Plain state with a few questions; what follows from it is decided in the core.
"""

from __future__ import annotations

from array import array
from collections import deque
from enum import StrEnum
from typing import Any, NamedTuple

from protocols.border import Today, spoken_with
from protocols.dialect import Dialect
from protocols.participant import Participant, SignOn
from protocols.session import CARRIES_TRAFFIC, LinkState
from protocols.translation import V1987
from switch.circuit import Circuit
from switch.saf import Randomness, StoreAndForward
from switch.tally import Times
from switch.transaction import Transaction

STAN_LAST = 999_999
_THREE_DIGITS = tuple(f"{number:03d}" for number in range(1000))  # two looks cost half of one format


SECONDS_AT_ONCE = 4096  # numbers that room is made for, as they come into use
OVERDUE_MAX = 10_000  # of one issuer: late answers that are told from stray ones


def note_use(seconds: array[int], stan: str, at: str) -> None:
    """A number was used with this DE 7: as a number, at the number's place.

    >>> seconds = array("I")
    >>> note_use(seconds, "000002", "1118110640"); list(seconds[:3])
    [0, 0, 1118110640]
    """
    number = int(stan)
    if number >= len(seconds):
        seconds.frombytes(bytes(4 * (number + SECONDS_AT_ONCE)))
    seconds[number] = int(at)


def _numbers(first: int, last: int) -> list[str]:
    """STANs from the first to the last, six digits each.

    >>> _numbers(998, 1001)
    ['000998', '000999', '001000', '001001']
    """
    found: list[str] = []
    for thousand in range(first // 1000, last // 1000 + 1):
        head = _THREE_DIGITS[thousand]
        tails = _THREE_DIGITS[max(0, first - thousand * 1000) : last - thousand * 1000 + 1]
        found += [head + tail for tail in tails]
    return found


class Overdue(NamedTuple):
    """A request whose answer was not waited for."""

    key: str
    mti: str
    stood_in: bool  # approved in the issuer's place


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
        "circuit",
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
        self.circuit = Circuit(participant.deadlines.issuer_s)  # of an issuer's link
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

    __slots__ = (
        *("_seconds", "_turn", "approved", "last_stan", "links", "overdue", "participant", "patience_s", "pending"),
        *("saf", "times"),
    )

    def __init__(self, participant: Participant, random: Randomness) -> None:
        self.participant = participant
        self.patience_s = participant.deadlines.issuer_s
        self.links: list[LinkEnd] = []  # signed on
        self.pending: dict[str, Transaction] = {}  # by STAN; in the order of their deadlines, for all wait alike
        self.overdue: dict[str, Overdue] = {}  # by STAN: what an answer may still come to, too late
        self.saf = StoreAndForward(self.patience_s, random)
        self.times = Times()  # from a request on its way to its answer
        self.approved: dict[tuple[str, str], list[int]] = {}  # in the lane: who asked and how; a cell to add to
        self.last_stan = 0
        self._seconds: array[int] = array("I")  # by STAN: the DE 7 that it was last used with, as a number
        self._turn = 0

    def next_link(self) -> LinkEnd | None:
        """The healthy links take turns, and one on probation gets its few; None when nobody can be asked."""
        links = self.links
        for _ in links:
            self._turn = (self._turn + 1) % len(links)
            link = links[self._turn]
            if link.circuit.closed or link.circuit.lets_pass():
                return link
        return None

    def healthy_link(self) -> LinkEnd | None:
        """The healthy links take turns; None also where one is on probation: probes are sent one by one, not here."""
        links = self.links
        for _ in links:
            self._turn = (self._turn + 1) % len(links)
            if links[self._turn].circuit.closed:
                return links[self._turn]
        return None

    def any_link(self) -> LinkEnd | None:
        """A link for what is owed: a healthy one if there is one; None when nobody is signed on."""
        links = self.links
        for _ in links:
            self._turn = (self._turn + 1) % len(links)
            if links[self._turn].circuit.closed:
                return links[self._turn]
        return links[self._turn] if links else None

    def take_stan(self, at: str = "") -> str | None:
        """The next number that is not outstanding and was not used with this DE 7 before; None when all are.

        One that an answer may still come to, too late, is taken only where there is no other: that answer would be
        held for the new request's. `at`: DE 7 of the message that will carry it; an issuer knows a request by both.
        """
        seconds, moment, spare = self._seconds, int(at or 0), 0
        for _ in range(STAN_LAST):
            self.last_stan = number = self.last_stan % STAN_LAST + 1
            if number >= len(seconds):
                seconds.frombytes(bytes(4 * (number + SECONDS_AT_ONCE)))
            elif moment and seconds[number] == moment:
                continue
            stan = f"{number:06d}"
            if stan not in self.pending and stan not in self.saf:
                if stan in self.overdue:
                    spare = spare or number
                    continue
                seconds[number] = moment
                return stan
        if spare:
            self.last_stan, seconds[spare] = spare, moment
            return f"{spare:06d}"
        return None

    def next_stans(self, count: int, at: str) -> list[str] | None:
        """What as many calls of `take_stan` would give; None where that is not simply the next numbers. Takes none."""
        seconds, moment = self._seconds, int(at)
        first = self.last_stan + 1
        last = first + count - 1
        if not moment or last > STAN_LAST:
            return None
        if last >= len(seconds):
            seconds.frombytes(bytes(4 * (last + SECONDS_AT_ONCE)))
        if moment in seconds[first : last + 1]:
            return None
        stans = _numbers(first, last)
        if not (
            self.pending.keys().isdisjoint(stans) and self.overdue.keys().isdisjoint(stans) and self.saf.has_none(stans)
        ):
            return None
        return stans

    def take_next(self, count: int, at: str) -> None:
        """Take as many numbers as `next_stans` just gave."""
        first = self.last_stan + 1
        self.last_stan += count
        self._seconds[first : first + count] = array("I", (int(at),)) * count

    def used(self, seconds: array[int]) -> None:
        """Before a restart the numbers were used with these DE 7s (`note_use`)."""
        self._seconds = seconds

    def has_used(self, stan: str, at: str) -> bool:
        """Whether a message went out under this number, with this DE 7 where the answer has one."""
        if not (stan.isascii() and stan.isdigit()) or (number := int(stan)) >= len(self._seconds):
            return False
        last = self._seconds[number]
        return last != 0 and (not at or (at.isascii() and at.isdigit() and int(at) == last))

    def give_up_on(self, transaction: Transaction, *, stood_in: bool) -> None:
        """Nobody waits for the answer any more; should it come, it is late."""
        assert transaction.stan is not None
        told: Any = transaction  # its request may be made only now: to a compiler that is no attribute of all of them
        self.overdue.pop(transaction.stan, None)
        self.overdue[transaction.stan] = Overdue(transaction.key, told.request.mti, stood_in)
        if len(self.overdue) > OVERDUE_MAX:
            del self.overdue[next(iter(self.overdue))]
