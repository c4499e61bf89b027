"""What a run left behind, read and put in order: one place to look things up, for all rules.

It judges nothing. A line that cannot be read stops the oracle: a verdict on half the evidence is none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

Line = Mapping[str, Any]

BOOKS: Final = ("history", "journal", "issuer", "saf", "wire", "clearing", "totals", "agreement")
APPROVED: Final = frozenset({"00", "10"})

# ISO 4217: banks write letters where messages have numbers.
LETTERS: Final = {
    "414": "KWD", "784": "AED", "682": "SAR", "634": "QAR", "048": "BHD", "512": "OMR",
    "840": "USD", "978": "EUR", "826": "GBP", "392": "JPY", "356": "INR", "818": "EGP",
}  # fmt: skip


class UnreadableError(ValueError):
    """A line is not of any book. Its place, never its content."""


def read_lines(name: str, lines: Iterable[str]) -> list[Line]:
    """Every line of a file."""
    read: list[Line] = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            if line["book"] not in BOOKS:
                raise KeyError
        except (ValueError, KeyError, TypeError):
            raise UnreadableError(f"{name}, line {number}: not a line of a book") from None
        read.append(line)
    return read


def first_of(mti: str) -> str:
    """The type without its repeat.

    >>> first_of("0421"), first_of("0100")
    ('0420', '0100')
    """
    return mti[:3] + ("0" if mti[3] == "1" else mti[3])


def answer_to(mti: str) -> str:
    """The type of the answer.

    >>> answer_to("0101"), answer_to("0420")
    ('0110', '0430')
    """
    return f"{mti[:2]}{int(mti[2]) + 1}0"


def is_reversal(mti: str) -> bool:
    return mti[1] == "4"


def key_of(participant: str, mti: str, elements: Mapping[str, str]) -> str:
    """By what a request and its repeats are known."""
    return f"{participant}/{mti[1]}/{elements.get('7')}{elements.get('11')}{elements.get('41')}"


def original_key(participant: str, elements: Mapping[str, str]) -> str | None:
    """The key of the request that DE 90 names: type, STAN, DE 7 and two institutions."""
    named = elements.get("90") or ""
    if len(named) != 42:
        return None
    return f"{participant}/{named[1]}/{named[10:20]}{named[4:10]}{elements.get('41')}"


def booking_key(mti: str, stan: str, elements: Mapping[str, str]) -> str:
    """The name of a transaction in its bank's book."""
    acquirer = (elements.get("32") or "").lstrip("0") or "0"
    return f"{mti[:2]}00/{stan}/{elements.get('7')}/{acquirer}"


def letters(currency: str | None) -> str:
    return LETTERS.get(currency or "", currency or "")


@dataclass
class Operation:
    """What a client asked once, and what it heard."""

    invoke: Line
    heard: list[Line] = field(default_factory=list)

    @property
    def key(self) -> str:
        return key_of(self.invoke["participant"], self.invoke["mti"], self.invoke["elements"])

    @property
    def ok(self) -> Line | None:
        return next((line for line in self.heard if line["event"] == "ok"), None)

    @property
    def approved(self) -> bool:
        return self.ok is not None and self.ok["elements"].get("39") in APPROVED

    @property
    def identity(self) -> tuple[Any, ...]:
        """What a repeat must share with its first."""
        elements = self.invoke["elements"]
        return self.invoke.get("card"), elements.get("3"), int(elements.get("4") or 0), elements.get("49")


@dataclass
class Transaction:
    """What the journal says of one transaction."""

    number: int
    key: str
    sent: Line | None = None
    answered: Line | None = None
    owed: list[Line] = field(default_factory=list)
    undone_by: list[Line] = field(default_factory=list)  # answered records that reverse or complete it, in order

    @property
    def asked(self) -> Line:
        """The record that holds what was asked."""
        line = self.sent or self.answered
        assert line is not None
        return line

    @property
    def elements(self) -> Mapping[str, str]:
        mine: Mapping[str, str] = self.asked.get("elements") or {}
        return mine

    @property
    def debts(self) -> list[Line]:
        answered: list[Line] = list(self.answered.get("debts") or ()) if self.answered else []
        return answered + [debt for owed in self.owed for debt in owed["debts"]]

    @property
    def approved(self) -> bool:
        return self.answered is not None and self.answered["response_code"] in APPROVED

    @property
    def stands(self) -> bool:
        """Whether its money is taken, or held, for good."""
        return self.approved and not self.owed and not any(line.get("left") is None for line in self.undone_by)

    @property
    def moves_money(self) -> bool:
        """A request of the holder's own: no reversal, no advice about another one."""
        return self.asked["mti"][1] in "12" and not (self.answered and self.answered.get("reverses") is not None)

    @property
    def asked_amount(self) -> int:
        """What the holder was asked for, in the currency of the bill."""
        return int(self.elements.get("6") or self.elements.get("4") or 0)

    @property
    def amount(self) -> int:
        """What of it stands, in the currency of the bill."""
        if not self.stands:
            return 0
        if self.undone_by:
            return int(self.undone_by[-1]["left"])
        if self.answered is not None and self.answered["response_code"] == "10":
            return int((self.answered.get("changes") or {}).get("4") or self.asked_amount)
        return self.asked_amount

    @property
    def currency(self) -> str:
        return letters(self.elements.get("51") or self.elements.get("49"))

    @property
    def issuer(self) -> str | None:
        named: str | None = self.asked.get("issuer") or (self.answered or {}).get("issuer")
        return named

    @property
    def booking(self) -> str | None:
        """Its key in its bank's book; None where no bank ever heard of it."""
        stan = self.asked.get("stan") or (self.answered or {}).get("stan")
        return booking_key(self.asked["mti"], stan, self.elements) if stan and self.issuer else None


@dataclass
class Account:
    """What a bank's book says under one key."""

    bookings: list[Line] = field(default_factory=list)
    entries: list[Line] = field(default_factory=list)
    holds: list[Line] = field(default_factory=list)

    @property
    def amount(self) -> int:
        """What it has taken, or holds."""
        return sum(int(line["amount"]) for line in self.bookings if line["state"] == "approved")

    @property
    def taken(self) -> int:
        """What left the holder's account, by the entries."""
        return -sum(int(line["amount"]) for line in self.entries if not line.get("own"))


class Books:
    """All lines, by book and by key."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.of: dict[str, list[Line]] = {name: [] for name in BOOKS}
        for line in lines:
            self.of[line["book"]].append(line)

    def have(self, *names: str) -> bool:
        return all(self.of[name] for name in names)

    @cached_property
    def operations(self) -> dict[str, list[Operation]]:
        """What clients did, by key, in the order of asking."""
        by_id: dict[Any, Operation] = {}
        for line in self.of["history"]:
            if line["event"] == "invoke":
                by_id[line["id"]] = Operation(line)
            elif line["id"] in by_id:
                by_id[line["id"]].heard.append(line)
        found: dict[str, list[Operation]] = defaultdict(list)
        for operation in by_id.values():
            found[operation.key].append(operation)
        return found

    @cached_property
    def reversals_asked(self) -> set[str]:
        """Keys of what clients took back, whole or in part, heard or not."""
        asked = (
            original_key(one.invoke["participant"], one.invoke["elements"])
            for several in self.operations.values()
            for one in several
            if is_reversal(one.invoke["mti"])
        )
        return {key for key in asked if key is not None}

    @cached_property
    def transactions(self) -> dict[int, Transaction]:
        """What the journal says, by number."""
        found: dict[int, Transaction] = {}
        for line in self.of["journal"]:
            if line["kind"] in ("sent", "answered", "owed"):
                number = line["number"]
                one = found.setdefault(number, Transaction(number, line["key"]))
                if line["kind"] == "owed":
                    one.owed.append(line)
                elif line["kind"] == "sent":
                    one.sent = line
                else:
                    one.answered = line
            if line["kind"] == "answered" and (undone := found.get(line.get("reverses"))) is not None:
                undone.undone_by.append(line)
        return {number: one for number, one in found.items() if one.sent or one.answered}

    @cached_property
    def by_key(self) -> dict[str, list[Transaction]]:
        found: dict[str, list[Transaction]] = defaultdict(list)
        for one in self.transactions.values():
            found[one.key].append(one)
        return found

    @cached_property
    def debts(self) -> dict[int, tuple[Transaction, Line]]:
        """Everything that was ever owed, by its number, and the transaction that it is about."""
        owed = [(one, debt) for one in self.transactions.values() for debt in one.debts]
        return {debt["number"]: (self.transactions.get(debt["transaction"], one), debt) for one, debt in owed}

    @cached_property
    def settled(self) -> dict[int, Line]:
        return {line["number"]: line for line in self.of["journal"] if line["kind"] == "settled"}

    @cached_property
    def unsettled(self) -> set[int]:
        """Transactions about which something is still owed to their bank."""
        about = {number: debt["transaction"] for number, (_, debt) in self.debts.items()}
        return {transaction for number, transaction in about.items() if number not in self.settled}

    @cached_property
    def banks(self) -> dict[str, dict[str, Account]]:
        """Banks' books: bank, key, what is there."""
        found: dict[str, dict[str, Account]] = defaultdict(lambda: defaultdict(Account))
        lists = {"booking": "bookings", "entry": "entries", "hold": "holds"}
        for line in self.of["issuer"]:
            if (name := lists.get(line["what"])) is not None:
                getattr(found[line["issuer"]][line["key"]], name).append(line)
        return found

    @cached_property
    def owners(self) -> dict[tuple[str, str], Transaction]:
        """(bank, its key) -> the transaction."""
        return {
            (one.issuer, one.booking): one
            for one in self.transactions.values()
            if one.issuer is not None and one.booking is not None
        }

    def name_of(self, bank: str, key: str) -> str:
        """How a booking is called outside its bank: the transaction's key, where there is one."""
        owner = self.owners.get((bank, key))
        return owner.key if owner is not None else f"{bank}:{key}"

    @cached_property
    def settled_account(self) -> dict[int, Account]:
        """Transaction number -> what its bank has of it."""
        return {
            one.number: self.banks[one.issuer].get(one.booking, Account())
            for one in self.transactions.values()
            if one.issuer in self.banks and one.booking is not None
        }
