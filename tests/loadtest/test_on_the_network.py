"""Load on the real switch, in front of the sandbox issuer: the tester and the switch's books say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from loadtest.customers import MadeUp
from loadtest.population import Range
from loadtest.result import Result
from loadtest.result_wire import to_wire
from loadtest.shell.run import run_scenario
from tests.loadtest.hosts import scenario
from tests.network import RunningNetwork

SANDBOX = {"prefix": "400000:16", "i_own_these": True, "count": 50}


@pytest.fixture(scope="module")
def known_before(network: RunningNetwork) -> set[str]:
    return {entry["key"] for entry in network.books()}


@pytest.fixture(scope="module")
def run(network: RunningNetwork, known_before: set[str]) -> Result:
    mix = {
        "purchase": 5,
        "ecommerce": 3,
        "refund": 1,
        "balance": 1,
        "echo": 1,
        "pre_authorization": {"weight": 2, "completed": 0.5, "delay_s": 0.1},
        "reversal": {"weight": 1, "why": ["customer_cancel", "timeout"]},
    }
    values = {"cards": SANDBOX, "amount": {"steps": [[0.9, 100], [0.1, 11051]]}}
    links = {"count": 3, "sign_on": False, "max_in_flight": 64}
    made = scenario(network.ports["lab"], 40.0, 2.0, mix=mix, values=values, links=links, audit={"totals": True})
    return trio.run(run_scenario, made)


def test_every_message_was_answered_and_nothing_was_lost_doubled_or_altered(run: Result) -> None:
    total = run.total(measured=False)
    assert total.offered == total.sent == total.answered >= 80
    assert total.unmatched == total.garbage == 0, run.explanations
    assert not run.audit.failed, run.audit.findings


def test_amounts_that_the_sandbox_declines_are_declined(run: Result) -> None:
    assert run.total(code="51", measured=False).answered > 0
    assert run.total(code="00", measured=False).answered > 50


def test_the_switchs_books_agree_with_ours(run: Result, known_before: set[str], network: RunningNetwork) -> None:
    """What it holds for approved, declined and reversed is what we heard, inquiries included."""
    theirs = [entry["state"] for entry in network.settled() if entry["key"] not in known_before]
    book = run.audit.books["784"]
    inquiries = run.total("balance", code="00", measured=False).answered
    assert theirs.count("reversed") == book.reversed > 0
    assert theirs.count("declined") == book.declined
    assert theirs.count("approved") + theirs.count("reversed") == book.approved + inquiries
    assert network.audit().returncode == 0


def test_the_switchs_totals_are_what_we_count(run: Result) -> None:
    """It was asked (0500) before and after; reversals, completions and refunds are in it."""
    assert not [one for one in run.remarks if "not compared" in one]
    assert run.audit.finding("not_conserved").count == 0


def test_no_card_number_is_in_any_file_of_the_run(run: Result, tmp_path: Path) -> None:
    """L16: the numbers that were sent, in whatever the run leaves behind or a worker tells."""
    run.write(tmp_path)
    sent = [MadeUp(Range.parse("400000:16", own=True), 50, 7).card(number).pan for number in range(50)]
    for path in tmp_path.iterdir():
        text = path.read_text()
        assert not [pan for pan in sent if pan in text or pan[6:15] in text], path.name
    for said in (repr(run), json.dumps(to_wire(run))):
        assert not [pan for pan in sent if pan in said]
