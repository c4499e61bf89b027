"""The ledger against a model that keeps nothing but lists: whatever happens, money is neither made nor lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from issuers.accounts import (
    Account,
    Ended,
    Entry,
    Held,
    HoldState,
    Ledger,
    LedgerError,
    Posted,
    Reduced,
    moved,
    sums_by_currency,
)

ACCOUNTS = {"amal": "KWD", "badr": "KWD", "network.KWD": "KWD", "carol": "AED", "network.AED": "AED"}
accounts = st.sampled_from(sorted(ACCOUNTS))
amounts = st.integers(-50, 1_000)
ends = st.sampled_from(HoldState)


class Books(RuleBasedStateMachine):
    """The model: all entries ever posted, and for each hold its account, what is left, and whether it has ended."""

    keys = Bundle("keys")

    @initialize()
    def begin(self) -> None:
        self.ledger = Ledger([Account(name, code) for name, code in ACCOUNTS.items()])
        self.entries: list[Entry] = []
        self.holds: dict[str, tuple[str, int, bool]] = {}

    def expect(self, effect: Any, allowed: bool) -> bool:
        """The ledger takes what the rules allow, and of the rest nothing at all."""
        if allowed:
            self.ledger.apply(effect)
            return True
        with pytest.raises(LedgerError):
            self.ledger.apply(effect)
        return False

    @rule(source=accounts, to=accounts, amount=amounts)
    def move(self, source: str, to: str, amount: int) -> None:
        posting = moved("k", source, to, amount, "a payment")
        if self.expect(posting, ACCOUNTS[source] == ACCOUNTS[to] or not amount):
            self.entries += posting.entries

    @rule(lines=st.lists(st.tuples(accounts, amounts), min_size=1, max_size=4))
    def post(self, lines: list[tuple[str, int]]) -> None:
        posting = Posted("k", tuple(Entry(*line) for line in lines), "many lines")
        sums = [sum(amount for account, amount in lines if ACCOUNTS[account] == code) for code in ("KWD", "AED")]
        if self.expect(posting, not any(sums)):
            self.entries += posting.entries

    @rule(target=keys, key=st.text("abc", min_size=1, max_size=2), account=accounts, amount=amounts)
    def hold(self, key: str, account: str, amount: int) -> str:
        if self.expect(Held(key, account, amount), amount > 0 and key not in self.holds):
            self.holds[key] = (account, amount, False)
        return key

    @rule(key=keys, amount=amounts)
    def reduce(self, key: str, amount: int) -> None:
        account, left, ended = self.holds.get(key, ("", 0, True))
        if self.expect(Reduced(key, amount), not ended and 0 < amount < left):
            self.holds[key] = (account, amount, False)

    @rule(key=keys, state=ends)
    def end(self, key: str, state: HoldState) -> None:
        account, left, ended = self.holds.get(key, ("", 0, True))
        if self.expect(Ended(key, state), not ended and state is not HoldState.ACTIVE):
            self.holds[key] = (account, left, True)

    @invariant()
    def every_account_is_what_was_posted_less_what_is_held(self) -> None:
        for account in self.ledger.accounts.values():
            posted = sum(entry.amount for entry in self.entries if entry.account == account.id)
            held = sum(left for owner, left, ended in self.holds.values() if owner == account.id and not ended)
            assert (account.posted, account.held, account.balance) == (posted, held, posted - held)

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        posted = ((account.currency, account.posted) for account in self.ledger.accounts.values())
        assert not any(sums_by_currency(posted).values())


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestBooks = Books.TestCase


def test_a_posting_that_does_not_balance_changes_nothing() -> None:
    ledger = Ledger([Account("a", "KWD"), Account("b", "AED")])
    with pytest.raises(LedgerError):
        ledger.apply(moved("k", "a", "b", 5, "two currencies"))
    assert [account.posted for account in ledger.accounts.values()] == [0, 0]


def test_an_account_is_opened_once_and_empty() -> None:
    ledger = Ledger()
    ledger.open(Account("a", "KWD"))
    for account in (Account("a", "KWD"), Account("b", "KWD", posted=5)):
        with pytest.raises(LedgerError):
            ledger.open(account)
