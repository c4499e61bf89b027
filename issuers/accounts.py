"""The bank's ledger: accounts, entries in double entry, and holds.

Every posting is a set of entries that sums to zero in each currency, so money is never made
and never lost: what leaves a customer's account arrives on one of the bank's own. A hold sets
money aside without moving it and ends exactly once: released, captured or expired.

    balance   = posted - held
    available = balance + credit limit

Pure: nothing here reads a clock or a disk, and nothing decides. Whether a customer may spend
is `decide`'s question; what is on disk is `store`'s. A broken rule raises LedgerError, because
it is always a mistake of ours and never of a cardholder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class LedgerError(Exception):
    """Somebody tried to break the books. Nothing has been changed."""


class HoldState(StrEnum):
    """Where a hold is in its life; every state but the first is an end."""

    ACTIVE = "active"
    RELEASED = "released"  # reversed: the money is the customer's again
    CAPTURED = "captured"  # completed: a posting has taken its place
    EXPIRED = "expired"  # nobody came for it


@dataclass(slots=True)
class Account:
    """One account. Amounts in minor units of its currency; a customer's money is positive."""

    id: str
    currency: str  # ISO 4217 letters
    credit_limit: int = 0  # how far below zero the customer may go
    holder: str = ""
    own: bool = False  # the bank's own side of every posting: settlement with the network, opening balances
    posted: int = 0
    held: int = 0

    @property
    def balance(self) -> int:
        """What is posted, less what is set aside."""
        return self.posted - self.held

    @property
    def available(self) -> int:
        """What the customer may still spend."""
        return self.balance + self.credit_limit


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a posting: positive credits the account, negative debits it."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posted:
    """Money moved. `key` is the booking it belongs to, `text` what the statement says."""

    key: str
    entries: tuple[Entry, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """Money set aside for the booking `key`."""

    key: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Reduced:
    """A hold that goes on, with less: the rest was reversed or captured."""

    key: str
    amount: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a hold, the only one it has."""

    key: str
    state: HoldState


LedgerEffect = Posted | Held | Reduced | Ended


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it stands."""

    key: str
    account: str
    amount: int
    state: HoldState = HoldState.ACTIVE


def moved(key: str, source: str, target: str, amount: int, text: str) -> Posted:
    """Move an amount from one account to another.

    >>> moved("k", "customer", "network.KWD", 9984, "uaemall.com").entries
    (Entry(account='customer', amount=-9984), Entry(account='network.KWD', amount=9984))
    """
    return Posted(key, (Entry(source, -amount), Entry(target, amount)), text)


class Ledger:
    """Accounts and the holds in question; `apply` is the only way to change them.

    >>> ledger = Ledger([Account("a", "KWD"), Account("network.KWD", "KWD", own=True)])
    >>> ledger.apply(moved("k1", "network.KWD", "a", 1000, "salary"))
    >>> ledger.apply(Held("k2", "a", 300))
    >>> ledger.accounts["a"].balance
    700
    """

    def __init__(self, accounts: Iterable[Account] | dict[str, Account] = (), holds: Iterable[Hold] = ()) -> None:
        # A dictionary is taken as it is, not copied: one ledger per batch of requests, over the same accounts.
        self.accounts = accounts if isinstance(accounts, dict) else {account.id: account for account in accounts}
        self.holds = {hold.key: hold for hold in holds}

    def open(self, account: Account) -> None:
        """A new account; money comes to it by postings only."""
        if account.id in self.accounts or account.posted or account.held:
            raise LedgerError(f"account {account.id} cannot be opened like this")
        self.accounts[account.id] = replace(account)  # its own: an effect is a value

    def apply(self, effect: LedgerEffect) -> None:
        """Do what the effect says, wholly; or raise LedgerError and do nothing."""
        match effect:
            case Posted():
                self._post(effect)
            case Held():
                self._hold(effect)
            case Reduced():
                self._reduce(effect)
            case Ended():
                self._end(effect)

    def _post(self, posting: Posted) -> None:
        sums = sums_by_currency((self._account(entry.account).currency, entry.amount) for entry in posting.entries)
        if any(sums.values()):
            raise LedgerError(f"the entries of {posting.key} do not sum to zero")
        for entry in posting.entries:
            self.accounts[entry.account].posted += entry.amount

    def _hold(self, held: Held) -> None:
        account = self._account(held.account)
        if held.amount <= 0:
            raise LedgerError(f"a hold of nothing for {held.key}")
        if held.key in self.holds:
            raise LedgerError(f"{held.key} has a hold already")
        self.holds[held.key] = Hold(held.key, held.account, held.amount)
        account.held += held.amount

    def _reduce(self, reduced: Reduced) -> None:
        hold = self._active(reduced.key)
        if not 0 < reduced.amount < hold.amount:
            raise LedgerError(f"the hold {reduced.key} can only get smaller, and not nothing")
        self.accounts[hold.account].held -= hold.amount - reduced.amount
        self.holds[hold.key] = replace(hold, amount=reduced.amount)

    def _end(self, ended: Ended) -> None:
        hold = self._active(ended.key)
        if ended.state is HoldState.ACTIVE:
            raise LedgerError("a hold does not end by being active")
        self.accounts[hold.account].held -= hold.amount
        self.holds[hold.key] = replace(hold, state=ended.state)

    def _account(self, account: str) -> Account:
        if account not in self.accounts:
            raise LedgerError(f"no account {account}")
        return self.accounts[account]

    def _active(self, key: str) -> Hold:
        hold = self.holds.get(key)
        if hold is None or hold.state is not HoldState.ACTIVE:
            raise LedgerError(f"no active hold for {key}")
        return hold


def sums_by_currency(amounts: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """Totals per currency.

    >>> dict(sums_by_currency([("KWD", 5), ("AED", 7), ("KWD", -5)]))
    {'KWD': 0, 'AED': 7}
    """
    totals: dict[str, int] = defaultdict(int)
    for currency, amount in amounts:
        totals[currency] += amount
    return totals
