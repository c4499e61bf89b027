"""An issuer with the strictest books there are: what it approved, what was taken back, and every oddity it met.

It believes what it is told and complains about what may not be: one request twice, a repeat that is not
the same message, an advice under a number that was another's. It knows nothing of the switch's code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from protocols.message import Message
from protocols.original import Original


class Name(NamedTuple):
    """By what a bank knows a request: class, STAN and DE 7 of the switch."""

    kind: str
    stan: str
    at: str


@dataclass
class Entry:
    """One booking."""

    payment: int
    amount: int
    stands: int  # what of it is left


class Owed(NamedTuple):
    """The first sending of a reversal or an advice."""

    text: bytes  # without its type
    life: int
    was_first: bool  # and not a repeat whose first was lost


def approval_code(payment: int) -> str:
    """DE 38 of a payment: who gets it with another payment has somebody else's answer."""
    return f"P{payment:05d}"


@dataclass
class Bank:
    """Books by request."""

    name: str
    booked: dict[Name, Entry] = field(default_factory=dict)
    tombs: set[Name] = field(default_factory=set)
    seen: dict[Name, int] = field(default_factory=dict)
    said: dict[Name, str | None] = field(default_factory=dict)
    owed: dict[tuple[str, str, str], Owed] = field(default_factory=dict)  # by class, STAN and payment
    complaints: list[str] = field(default_factory=list)
    last_at: dict[str, str] = field(default_factory=dict)  # by STAN: the DE 7 that it last came with

    def asked(self, message: Message, *, declines: bool) -> str | None:
        """A request: its approval code, or None for a decline."""
        name = Name(message.mti[1], message.stan or "", message.transmitted_at or "")
        payment = int(message.rrn or 0)
        last, self.last_at[name.stan] = self.last_at.get(name.stan), name.at
        if name in self.seen and last != name.at:
            return (
                None  # of each number the switch knows only its last DE 7: with few numbers an old one may come again
            )
        if name in self.seen:
            self.complaints.append(
                f"{self.name} saw request {name.stan} of {name.at} twice (payments {self.seen[name]}, {payment})"
            )
            return self.said[name]
        self.seen[name] = payment
        if name in self.booked:  # its advice came first, from another connection
            self.said[name] = approval_code(payment)
            return self.said[name]
        self.said[name] = None if declines or name in self.tombs else approval_code(payment)
        if self.said[name] is not None:
            self.booked[name] = Entry(payment, message.amount or 0, message.amount or 0)
        return self.said[name]

    def told(self, message: Message, life: int) -> None:
        """A reversal or an advice, believed. `life`: which process of the switch says so; the next one begins anew."""
        self.last_at[message.stan or ""] = message.transmitted_at or ""
        mine = (message.mti[1], message.stan or "", message.rrn or "")
        is_first = message.mti[3] == "0"
        owed = self.owed.get(mine)
        if owed is not None and not is_first and owed.text != message.frame[4:]:
            self.complaints.append(
                f"{self.name}: {message.mti} {mine[1]} is not the message that came before under its number"
            )
        if owed is not None and is_first and owed.was_first and owed == Owed(message.frame[4:], life, True):
            self.complaints.append(f"{self.name}: {message.mti} {mine[1]} came again, and not as a repeat")
        if is_first or owed is None:
            self.owed[mine] = Owed(message.frame[4:], life, is_first)
        original = message.original
        if message.mti[1] == "4":
            assert original is not None
            self._reversed(message, original)
        elif message.mti[1] == "1":
            assert original is not None
            self._stood_in(message, original)
        elif original is not None:
            self._completed(message, original)

    def _reversed(self, message: Message, original: Original) -> None:
        name = Name(original.mti[1], original.stan, original.transmitted_at)
        entry = self.booked.get(name)
        if entry is None:
            self.tombs.add(name)
            return
        if entry.payment != int(message.rrn or 0):
            self.complaints.append(f"{self.name}: a reversal of payment {message.rrn} names payment {entry.payment}")
        left = int((message.get(95) or "0")[:12])
        entry.stands = min(entry.stands, left)

    def _stood_in(self, message: Message, original: Original) -> None:
        name = Name(original.mti[1], original.stan, original.transmitted_at)
        payment = int(message.rrn or 0)
        if name not in self.booked:
            self.booked[name] = Entry(payment, message.amount or 0, 0 if name in self.tombs else message.amount or 0)
        elif self.booked[name].payment != payment:
            self.complaints.append(
                f"{self.name}: an advice of payment {payment} names payment {self.booked[name].payment}"
            )

    def _completed(self, message: Message, original: Original) -> None:
        entry = self.booked.get(Name(original.mti[1], original.stan, original.transmitted_at))
        if entry is None or entry.payment != int(message.rrn or 0):
            self.complaints.append(f"{self.name}: a completion of payment {message.rrn} names nothing of it")
        elif entry.stands:
            entry.stands = message.amount or 0

    def stands(self) -> dict[int, int]:
        """What is booked and stands, by payment."""
        totals: dict[int, int] = {}
        for entry in self.booked.values():
            totals[entry.payment] = totals.get(entry.payment, 0) + entry.stands
        return totals
