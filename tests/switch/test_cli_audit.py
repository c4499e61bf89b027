"""`payswitch audit`: waits for what is on its way, shows both sides, exits with 5 when they differ."""

import json
from collections.abc import Iterable

import pytest
import trio
import trio.testing

from switch.audit import Audit, Entry, State, audit
from switch.cli import main
from switch.place import Place
from switch.shell import ask_party

CHARGED = Entry("0100/000001/1123205144/414001", State.APPROVED, 9984, "KWD", "632720000001", "00")
OWED = Entry("0100/000002/1123205144/414001", State.WAITING, 0, "KWD")

AGREED = audit({"nbk": [CHARGED]}, {"nbk": [CHARGED], "abroad": None})
WRONG = audit({"nbk": [CHARGED]}, {"nbk": []})
UNSETTLED = audit({"nbk": [CHARGED, OWED]}, {"nbk": [CHARGED]})


class Looks:
    """Stands in for looking at the books: one result a look, the last one for ever."""

    def __init__(self, results: Iterable[Audit]) -> None:
        self.results = list(results)
        self.count = 0

    async def __call__(self, place: Place) -> Audit:
        await trio.lowlevel.checkpoint()
        self.count += 1
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Looks:
    looks = Looks([AGREED])
    monkeypatch.setattr(ask_party, "audit_now", looks)
    return looks


async def test_books_that_agree_are_looked_at_once(books: Looks) -> None:
    assert await ask_party.settled_audit(Place(), 15) == AGREED
    assert books.count == 1


async def test_what_is_on_its_way_is_waited_for(books: Looks, autojump_clock: trio.testing.MockClock) -> None:
    books.results = [UNSETTLED, WRONG, UNSETTLED, AGREED]
    assert await ask_party.settled_audit(Place(), 15) == AGREED


async def test_waiting_ends_when_the_time_is_up(books: Looks, autojump_clock: trio.testing.MockClock) -> None:
    books.results = [UNSETTLED]
    assert await ask_party.settled_audit(Place(), 15) == UNSETTLED
    assert 15 <= trio.current_time() < 16


async def test_a_disagreement_that_stays_is_not_waited_for(
    books: Looks, autojump_clock: trio.testing.MockClock
) -> None:
    books.results = [WRONG]
    assert await ask_party.settled_audit(Place(), 15) == WRONG
    assert books.count == 2


def test_books_that_agree_are_exit_code_0(books: Looks, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 0
    told = capsys.readouterr().out
    assert "The books agree." in told
    assert "9.984 KWD" in told
    assert "no books here" in told


def test_a_disagreement_is_exit_code_5_and_shows_both_sides(books: Looks, capsys: pytest.CaptureFixture[str]) -> None:
    books.results = [WRONG]
    assert main(["audit"]) == 5
    told = capsys.readouterr().out
    for words in (CHARGED.key, CHARGED.rrn, "approved 9.984 KWD", "nothing", "the issuer has never seen it"):
        assert words in told


def test_what_still_waits_is_told_and_is_no_disagreement(books: Looks, capsys: pytest.CaptureFixture[str]) -> None:
    books.results = [UNSETTLED]
    assert main(["audit", "--wait", "0"]) == 0
    assert "1 still waiting in store and forward" in capsys.readouterr().out


def test_for_machines_a_disagreement_has_a_name(books: Looks, capsys: pytest.CaptureFixture[str]) -> None:
    books.results = [WRONG]
    assert main(["audit", "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert told["agrees"] is False
    assert told["disagreements"][0]["finding"] == "missing_at_issuer"
