"""The audit finds every planted difference, names it, and never complains about clean books."""

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switch.audit import (
    Audit,
    BooksError,
    Entry,
    Finding,
    State,
    audit,
    audit_issuer,
    read_issuer_book,
    read_switch_books,
)

ISSUER = "nbk"


def entry(key: str = "0100/000001/1123205144/414001", state: State = State.APPROVED, amount: int = 9984) -> Entry:
    """One transaction of a Kuwaiti card, AED 120.00 if nothing else is said."""
    return Entry(key, state, amount, "KWD", "532720000001", "00" if state is State.APPROVED else "05")


def findings(result: Audit) -> list[Finding]:
    """What the audit found, without the two sides."""
    return [disagreement.finding for disagreement in result.disagreements]


#: What an issuer's book may hold for a transaction of the switch, when nothing went wrong.
LAWFUL: dict[State, tuple[State | None, ...]] = {
    State.APPROVED: (State.APPROVED,),
    State.DECLINED: (State.DECLINED, State.REVERSED, None),
    State.REVERSED: (State.REVERSED, State.DECLINED, None),
    State.WAITING: (State.APPROVED, State.DECLINED, State.REVERSED, None),
}


@st.composite
def clean_books(draw: st.DrawFn, at_least: int = 0) -> tuple[list[Entry], list[Entry]]:
    """Two books that agree, each in an order of its own."""
    numbers = draw(st.sets(st.integers(1, 999_999), min_size=at_least, max_size=12))
    ours, theirs = [], []
    for number in sorted(numbers):
        state = draw(st.sampled_from(State))
        amount = draw(st.integers(0, 10**9)) if state is State.APPROVED else 0
        mine = Entry(f"0100/{number:06}/1123205144/414001", state, amount, draw(st.sampled_from(("KWD", "AED", "JPY"))))
        ours.append(mine)
        answer = draw(st.sampled_from(LAWFUL[state]))
        if answer is not None:
            theirs.append(dataclasses.replace(mine, state=answer))
    return draw(st.permutations(ours)), draw(st.permutations(theirs))


@given(clean_books())
def test_clean_books_never_complain(books: tuple[list[Entry], list[Entry]]) -> None:
    ours, theirs = books
    result = audit({ISSUER: ours}, {ISSUER: theirs})
    assert result.agrees
    assert result.waiting == sum(entry.state is State.WAITING for entry in ours)


@given(clean_books())
def test_what_settled_books_agree_on_adds_up_to_the_same_totals(books: tuple[list[Entry], list[Entry]]) -> None:
    ours, theirs = books
    waiting = {entry.key for entry in ours if entry.state is State.WAITING}
    found = audit_issuer(ISSUER, ours, [entry for entry in theirs if entry.key not in waiting])
    assert found.switch_totals == found.issuer_totals


Books = tuple[list[Entry], list[Entry]]
Plant = Callable[[list[Entry], list[Entry], int], Books]


def approved_pair() -> Entry:
    return entry("0200/999999/0101000000/1")


def plant(ours: Entry | None, theirs: Entry | None) -> Books:
    return [ours] if ours else [], [theirs] if theirs else []


ONE = approved_pair()
PLANTS: dict[str, tuple[Books, Finding]] = {
    "missing at the issuer": (plant(ONE, None), Finding.MISSING_AT_ISSUER),
    "missing at the switch": (plant(None, ONE), Finding.MISSING_AT_SWITCH),
    "a decline the switch never recorded": (
        plant(None, dataclasses.replace(ONE, state=State.DECLINED)),
        Finding.MISSING_AT_SWITCH,
    ),
    "doubled at the issuer": (([ONE], [ONE, ONE]), Finding.DOUBLED_AT_ISSUER),
    "doubled at the switch": (([ONE, ONE], [ONE]), Finding.DOUBLED_AT_SWITCH),
    "one fils too many": (plant(ONE, dataclasses.replace(ONE, amount=ONE.amount + 1)), Finding.AMOUNT),
    "one fils too few": (plant(ONE, dataclasses.replace(ONE, amount=ONE.amount - 1)), Finding.AMOUNT),
    "another currency": (plant(ONE, dataclasses.replace(ONE, currency="AED")), Finding.CURRENCY),
    "reversed, but not at the issuer": (plant(dataclasses.replace(ONE, state=State.REVERSED), ONE), Finding.UNREVERSED),
    "declined, but charged": (plant(dataclasses.replace(ONE, state=State.DECLINED), ONE), Finding.UNREVERSED),
    "reversed at the issuer alone": (plant(ONE, dataclasses.replace(ONE, state=State.REVERSED)), Finding.NOT_CHARGED),
    "approved, but declined there": (plant(ONE, dataclasses.replace(ONE, state=State.DECLINED)), Finding.NOT_CHARGED),
}


@pytest.mark.parametrize("what", PLANTS)
@settings(max_examples=30)
@given(books=clean_books())
def test_any_planted_difference_is_found_and_named(what: str, books: Books) -> None:
    (ours, theirs), expected = PLANTS[what]
    result = audit({ISSUER: [*books[0], *ours]}, {ISSUER: [*theirs, *books[1]]})
    (found,) = result.disagreements
    assert (found.finding, found.key, found.issuer) == (expected, ONE.key, ISSUER)


def test_a_disagreement_shows_both_sides() -> None:
    (found,) = audit({ISSUER: [entry(amount=9984)]}, {ISSUER: [entry(amount=9983)]}).disagreements
    assert (found.switch_says, found.issuer_says) == ("approved 9.984 KWD", "approved 9.983 KWD")
    (found,) = audit({ISSUER: [entry()]}, {ISSUER: []}).disagreements
    assert found.issuer_says == "nothing"


def test_a_balance_inquiry_charges_nothing_in_any_currency() -> None:
    ours = dataclasses.replace(entry(amount=0), currency="AED")
    assert audit({ISSUER: [ours]}, {ISSUER: [entry(amount=0)]}).agrees


def test_the_same_key_at_two_issuers_is_two_transactions() -> None:
    assert audit({"nbk": [entry()], "nbd": [entry()]}, {"nbk": [entry()], "nbd": [entry()]}).agrees
    assert findings(audit({"nbk": [entry()]}, {"nbd": [entry()], "nbk": []})) == [
        Finding.MISSING_AT_SWITCH,
        Finding.MISSING_AT_ISSUER,
    ]


def test_an_issuer_whose_books_are_elsewhere_is_counted_but_not_judged() -> None:
    result = audit({"abroad": [entry(), entry("0100/000002/1123205144/1", State.WAITING)]}, {"abroad": None})
    assert result.agrees
    assert not result.issuers[0].has_books
    assert result.waiting == 1


def test_books_are_read_as_they_are_printed() -> None:
    printed = [
        {"issuer": "nbk", "key": "k1", "state": "approved", "amount": 9984, "currency": "KWD", "rrn": "1"},
        {"issuer": None, "key": "k2", "state": "declined", "amount": 0, "currency": None, "response_code": "15"},
    ]
    assert read_switch_books(printed) == {"nbk": [Entry("k1", State.APPROVED, 9984, "KWD", "1")]}


@pytest.mark.parametrize(
    "printed",
    [
        {},
        [1],
        [{"state": "approved", "amount": 1, "currency": "KWD"}],
        [{"key": "k", "state": "posted", "amount": 1, "currency": "KWD"}],
        [{"key": "k", "state": "approved", "amount": 1.5, "currency": "KWD"}],
        [{"key": "k", "state": "approved", "amount": True, "currency": "KWD"}],
        [{"key": "k", "state": "approved", "amount": 1}],
    ],
)
def test_what_is_not_a_book_is_refused(printed: object) -> None:
    with pytest.raises(BooksError):
        read_issuer_book(printed)


def test_an_approval_of_no_issuer_is_refused() -> None:
    with pytest.raises(BooksError, match="names no issuer"):
        read_switch_books([{"key": "k", "state": "approved", "amount": 1, "currency": "KWD"}])
