"""Strays: answers that belong to nobody. They are counted, and while there is time for it, explained.

So many a second are looked into and the rest are only counted, for a host that answers everything wrongly must not
slow down what measures it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from loadtest.explain import explained
from loadtest.lane import Lane
from loadtest.ledger import Ledger
from loadtest.messages import Messages
from loadtest.plan import NANO
from loadtest.result import NO_CODE, Explanation
from loadtest.scenario import Elements
from loadtest.tally import Tally
from protocols.errors import FormatError
from protocols.message import Message

UNMATCHED, UNREADABLE = "unmatched", "unreadable"  # the flows of what belongs to none
STRAYS_MAX: Final = 1000  # unmatched answers a second that are looked into: more are counted only


class Strays:
    def __init__(self, match: Mapping[str, Elements], messages: Messages, ledger: Ledger, tally: Tally) -> None:
        self._match, self._messages, self._ledger, self._tally = match, messages, ledger, tally
        self._said: dict[tuple[str, str], int] = {}
        self._now: tuple[int, int] = (0, 0)

    def unmatched(self, lane: Lane, message: Message, now: int) -> None:
        """An answer that belongs to nobody: counted, and while there is time for it, explained."""
        second = (now - self._ledger.start) // NANO
        mti, code = message.mti, message.response_code or NO_CODE
        self._tally.row(second, UNMATCHED, mti, code, lane.index).unmatched += 1
        if not self.may_look(now):
            return
        waiting = list(self._ledger.open.values())[:STRAYS_MAX]
        stan = message.stan
        known = any(one.template.value(11, one.values) == stan for one in waiting)
        self.note(*explained(message, self._match, sorted(self._messages.asked), known))

    def note(self, cause: str, sentence: str) -> None:
        """One more of a cause."""
        said = (cause, sentence)
        if len(self._said) < STRAYS_MAX or said in self._said:
            self._said[said] = self._said.get(said, 0) + 1

    def may_look(self, now: int) -> bool:
        """Whether there is time to look into one more."""
        second, looked = now // NANO, self._now
        self._now = (second, looked[1] + 1 if looked[0] == second else 1)
        return self._now[1] <= STRAYS_MAX

    def garbage(self, lane: Lane, error: FormatError, now: int) -> None:
        """A frame that is no message."""
        second = (now - self._ledger.start) // NANO
        self._tally.row(second, UNREADABLE, error.mti or "????", NO_CODE, lane.index).garbage += 1
        self.note(UNREADABLE, f"A frame arrived that cannot be read ({error.slug}).")

    def explanations(self) -> tuple[Explanation, ...]:
        """Why answers belonged to nobody, the most frequent first."""
        ordered = sorted(self._said.items(), key=lambda one: -one[1])
        return tuple(Explanation(cause=cause, sentence=said, count=number) for (cause, said), number in ordered)
