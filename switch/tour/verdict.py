"""Expected and actual, side by side.

Pure: what a till answered, or what was observed, in; whether it agrees and how to say it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocols.money import currency
from switch.audit import Audit
from switch.tour.step import Answer, Fact, Line, Step


@dataclass(frozen=True, slots=True)
class Heard:
    """What a till heard, as far as the tour cares."""

    outcome: str  # approved, declined, timeout, link_down, error
    response_code: str | None = None
    reason: str | None = None
    billed: str | None = None  # "9.984 KWD"
    rrn: str | None = None
    error: str | None = None  # why the till did not even send it

    def __str__(self) -> str:
        if self.response_code is None:
            return f"no answer: {self.error or self.outcome}"
        if self.outcome == "approved":
            return f"{self.response_code} approved" + (f", billed {self.billed}" if self.billed else "")
        return f"{self.response_code} {self.reason or self.outcome}"


Seen = Heard | Fact


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the table."""

    number: str
    says: str
    expected: str
    actual: str
    agrees: bool


def heard(document: Mapping[str, object]) -> Heard:
    """A till's line of JSON, parsed; what it says beyond this is for other people."""

    def text(name: str) -> str | None:
        value = document.get(name)
        return value if isinstance(value, str) else None

    outcome = text("outcome") or "no outcome"
    return Heard(outcome, text("response_code"), text("reason"), text("billed"), text("rrn"), text("error"))


def judged(step: Step, line: Line, seen: Seen) -> Verdict:
    """A line of a step, and what came of it."""
    return Verdict(str(step.number), line.says, str(line.expected), str(seen), matches(line.expected, seen))


def matches(expected: Answer | Fact, seen: Seen) -> bool:
    """Whether what came is what was expected.

    >>> matches(Answer("57", "channel.atm"), Heard("declined", "57", "channel.atm"))
    True
    >>> matches(Answer("00", billed_in="KWD"), Heard("approved", "00", billed="9.98 KWD"))
    False
    """
    if isinstance(expected, Fact) or isinstance(seen, Fact):
        return expected == seen
    if expected.response_code != seen.response_code or expected.reason != seen.reason:
        return False
    return expected.billed_in is None or is_amount_in(expected.billed_in, seen.billed or "")


def is_amount_in(code: str, text: str) -> bool:
    """Whether the text is an amount of that currency, with all its decimals.

    >>> is_amount_in("KWD", "9.984 KWD"), is_amount_in("KWD", "9.98 KWD"), is_amount_in("JPY", "10 JPY")
    (True, False, True)
    """
    decimals = currency(code).exponent
    fraction = rf"\.[0-9]{{{decimals}}}" if decimals else ""
    return re.fullmatch(rf"[0-9]+{fraction} {code}", text) is not None


def audited(audit: Audit) -> list[Verdict]:
    """The end of every tour: one line for each issuer's books, and one for what is still owed."""
    lines = []
    for one in audit.issuers:
        if one.has_books:
            actual = "books agree" if not one.disagreements else f"{len(one.disagreements)} disagreements"
            says = f"Books of the switch and of {one.issuer}"
            lines.append(Verdict("audit", says, "books agree", actual, not one.disagreements))
    owed = f"{audit.waiting} waiting" if audit.waiting else "nothing waits"
    lines.append(Verdict("audit", "What store and forward still owes", "nothing waits", owed, not audit.waiting))
    return lines


def all_agree(verdicts: Sequence[Verdict]) -> bool:
    """Whether the tour was a success; one that showed nothing was none."""
    return bool(verdicts) and all(verdict.agrees for verdict in verdicts)
