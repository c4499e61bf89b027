"""An acquirer's own host, as `serve` plays it: what it is asked goes on into the network, and the answer comes back.

A message goes on under a number and a moment of its own (DE 11, DE 7) and for its own institution (DE 32); a reversal
names the message that it went on as (DE 90). Who is asked keeps no books: a repeat goes on as the first did. Pure: what
goes wrong on the way back is the script's (`answerer`), sockets are `shell/serve`'s.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from loadtest.stamps import Stans, stamp
from protocols import elements as de
from protocols.message import Message
from protocols.mti import answer_to, first_of, is_repeat
from protocols.original import Original

REMEMBERED: Final = 50_000  # of those that went on, for their repeats and reversals
#: Of the network's answer, what the asker hears; the rest of an answer is what was asked.
PASSED_ON: Final = (de.AMOUNT, de.APPROVAL_CODE, de.RESPONSE_CODE, de.REASON, de.ADDITIONAL_AMOUNTS, de.ICC_DATA)

K = TypeVar("K")
V = TypeVar("V")

Name = tuple[str | None, str | None]  # DE 11 and DE 7


class Leg(NamedTuple):
    """A message on its way: as it came and from whom, and under which name it went on."""

    asked: Message
    who: object
    stan: str
    transmitted_at: str


class Forwarding:
    """Which message went on as which."""

    def __init__(self, institution: str) -> None:
        self._institution = institution
        self._stans = Stans()
        self._legs: OrderedDict[Name, Leg] = OrderedDict()  # by the name that it came under
        self._waiting: OrderedDict[tuple[str, Name], Leg] = OrderedDict()  # by type and name of what went on

    def onward(self, message: Message, who: object, now_s: float) -> bytes:
        """The frame that goes on; `who` is whoever will have the answer."""
        came = (message.stan, message.get(de.TRANSMITTED_AT))
        known = self._legs.get(came) if is_repeat(message.mti) else None
        stan = known.stan if known else self._stans.next()
        at = known.transmitted_at if known else stamp(now_s)["transmitted_at"]
        leg = Leg(message, who, stan, at)
        _remember(self._legs, came, leg)
        _remember(self._waiting, (answer_to(message.mti), (stan, at)), leg)
        changes: dict[int, str | None] = {de.STAN: stan, de.TRANSMITTED_AT: at, de.ACQUIRER_ID: self._institution}
        if (original := message.original) is not None:
            changes[de.ORIGINAL] = self._named(original).text
        return message.patched(changes)

    def back(self, answer: Message) -> tuple[Leg, Mapping[int, str | None]] | None:
        """What the answer is an answer to, and what is said; None: to nothing that went on."""
        leg = self._waiting.pop((answer.mti, (answer.stan, answer.get(de.TRANSMITTED_AT))), None)
        if leg is None:
            return None
        return leg, {number: value for number in PASSED_ON if (value := answer.get(number)) is not None}

    def sign_on(self, code: str, now_s: float) -> dict[int, str]:
        """The elements of a network management message of ours."""
        at = stamp(now_s)["transmitted_at"]
        return {7: at, 11: self._stans.next(), 32: self._institution, 70: code}

    def _named(self, original: Original) -> Original:
        """DE 90 by the name under which the original went on."""
        leg = self._legs.get((original.stan, original.transmitted_at))
        if leg is None:
            return replace(original, acquirer_id=self._institution)
        return Original(first_of(original.mti), leg.stan, leg.transmitted_at, self._institution, original.forwarder_id)


def _remember(where: OrderedDict[K, V], key: K, value: V) -> None:
    where[key] = value
    if len(where) > REMEMBERED:
        where.popitem(last=False)
