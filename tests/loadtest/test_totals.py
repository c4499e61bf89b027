"""Totals: what the target says that it gained is what we count, or it is a finding."""

from random import Random
from typing import Any

import pytest
import trio

from loadtest.answerer import Answerer, Answers
from loadtest.result import Exit, Result
from loadtest.scenario import Target
from loadtest.script import Script
from loadtest.shell.run import Run
from loadtest.shell.serve import Server
from loadtest.shell.wire import dialect_for
from loadtest.totals import Totals
from loadtest.usage import UsageError
from tests.loadtest.hosts import run_against, scenario

EARLIER = 70_000  # minor units that the host had before we came


class Bookkeeper(Answerer):
    """A host that counts refunds, which is all it is sent, and tells; it forgets so many minor units."""

    def __init__(self, script: Script, forgets: int) -> None:
        self.speaks = dialect_for(Target())
        super().__init__(script, self.speaks, Random(1))
        self.number, self.credited, self.forgets = 3, EARLIER, forgets

    def answers(self, frame: bytes) -> Answers:
        message = self.speaks.decode(frame)
        if message.mti == "0500":
            net = f"C{self.credited - (self.forgets if self.number > 3 else 0):016d}"
            figures = {39: "00", 74: f"{self.number:010d}", 86: f"{net[1:]}", 97: net}
            return [(0, message.answered(figures))]
        if message.mti == "0200":
            self.number += 1
            self.credited += int(message.get(4) or 0)
        return super().answers(frame)


async def run_with_books(forgets: int, **changes: Any) -> Result:
    server = Server(Script())
    server.answerer = Bookkeeper(server.script, forgets)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(server.run)
        made = scenario(port, 100, 0.4, mix={"refund": 1}, audit={"totals": True}, **changes)
        result = await Run(made).go()
        nursery.cancel_scope.cancel()
    return result


async def test_a_host_whose_books_are_ours_passes() -> None:
    result = await run_with_books(0)
    assert result.audit.books["784"].approved == 40
    assert not result.audit.failed
    assert not [one for one in result.remarks if "compared" in one]


async def test_a_host_that_forgot_a_minor_unit_is_found_out() -> None:
    result = await run_with_books(1)
    finding = result.audit.finding("not_conserved")
    assert [key.note.partition(", ")[2] for key in finding.keys] == [
        "DE 86: the target has 1 less than we",
        "DE 97: the target has 1 less than we",
    ]
    assert Exit.AUDIT_FAILED in result.exits()


async def test_a_host_that_tells_no_totals_is_not_accused() -> None:
    result = await run_against({}, 50, 0.2, audit={"totals": True})
    assert not result.audit.failed
    assert any("were not compared" in one for one in result.remarks)


def test_without_being_asked_for_totals_nobody_sends_a_0500() -> None:
    assert Run(scenario()).ledger.totals is None


def test_what_has_no_totals_is_refused_them() -> None:
    hsm = {"target": {"kind": "hsm"}, "mix": {"hsm_echo": 1}, "audit": {"totals": True}}
    with pytest.raises(UsageError, match="host commands know none"):
        Run(scenario(**hsm))


def test_of_what_was_in_doubt_and_taken_back_only_the_net_is_compared() -> None:
    totals = Totals()
    totals.approved("0200", "000000", "784", 500)
    said = totals.said("784", {})
    theirs = {**said, 76: "0000000002", 77: "0000000001", 88: f"{900:016d}", 89: f"{400:016d}"}
    assert len(list(totals.differences(said, theirs))) == 4
    totals.is_net_only = True
    assert not list(totals.differences(said, theirs))
    assert list(totals.differences(said, {**theirs, 97: f"D{501:016d}"}))
