"""Promises about processes: one network of real ones has a bad minute, and each test looks at what came of it.

The full sizes are `./run nemesis`, `python -m tests.nemesis.sick` and `./run soak`; here the same code runs for
seconds, tolerant where time is measured beside other work and strict where it is right or wrong.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from switch.shell.orders import order
from tests.nemesis.faults import FAULTS, Stage
from tests.nemesis.load import Load
from tests.nemesis.recount import recount
from tests.nemesis.run import Reader
from tests.nemesis.sick import Illness, loaded, stops_in_order, suffers
from tests.network import SWITCH, issuer
from tests.peers.client import Client

SEED, RATE = 4711, 20.0
DEADLINE_S = 1.0
BUSY_GRACE_S = 1.0  # a machine that runs other tests
STOPS = 5
CONNECTIONS = 50


@dataclass
class BadMinute:
    """What happened, and what was found."""

    illness: Illness
    stop_codes: list[int]
    longest_stop_s: float
    end_without_room: int
    vitals: tuple[dict[str, int], dict[str, int]]  # before and after many connections came and went
    load: Load
    found: list[str]
    reader: Reader
    audit: int

    def broken(self, promise: str) -> list[str]:
        return [finding for finding in self.found if finding.startswith(f"{promise}:")]


def _vitals(stage: Stage) -> dict[str, int]:
    descriptors = len(os.listdir(f"/proc/{stage.network.processes[SWITCH].popen.pid}/fd"))
    return {**order(stage.network.place.state, do="vitals"), "descriptors": descriptors}


def _come_and_go(stage: Stage) -> tuple[dict[str, int], dict[str, int]]:
    before = _vitals(stage)
    for _ in range(CONNECTIONS):
        with Client(stage.network.host, stage.network.ports["lab"]) as client:
            client.ask("0800", client.echo())
    with suppress(AssertionError):
        stage.network.until(lambda: _vitals(stage)["links"] <= before["links"], 5.0, "links to end")
    return before, _vitals(stage)


def _without_room(stage: Stage) -> int:
    """How the switch ends that may not write any more."""
    fault = next(one for one in FAULTS if one.name == "no room on disk")
    process = stage.network.processes[SWITCH]
    heal = fault.begin(stage, SWITCH)
    code = process.popen.wait(20.0)  # there is load: the next few commits find the end
    heal()
    return code


@pytest.fixture(scope="module")
def bad_minute() -> Iterator[BadMinute]:
    with loaded(SEED, RATE, DEADLINE_S) as (stage, load):
        network = stage.network
        reader = Reader(network)
        reader.start()
        illness = suffers(stage, load, "frozen", "nbk", 1.5, DEADLINE_S, 0.9)
        network.kill(SWITCH)
        network.start(SWITCH)
        time.sleep(0.5)
        network.kill(issuer("nbd"))
        network.start(issuer("nbd"))
        stage.proxies["ebi"].fault = "wrong_stan"
        vitals = _come_and_go(stage)
        stage.proxies["ebi"].fault = "duplicate"
        codes, longest = stops_in_order(stage, STOPS)
        ended = _without_room(stage)
        stage.proxies["ebi"].heal()
        time.sleep(0.5)
        load.stop = True
        with suppress(AssertionError):
            network.until(lambda: not load.unsettled, 30.0, "clients")
        try:
            books = network.settled(30.0)
        except AssertionError:
            books = network.books()
        found, audit = recount(load.payments, books), network.audit().returncode
        reader.close()
    yield BadMinute(illness, codes, longest, ended, vitals, load, found, reader, audit)


def test_p01_no_approval_is_lost_by_kill_9(bad_minute: BadMinute) -> None:
    assert sum(one.approved for one in bad_minute.load.payments) > 50
    assert bad_minute.broken("P1") == []


def test_p02_nothing_is_doubled(bad_minute: BadMinute) -> None:
    assert any(len(one.told) > 1 for one in bad_minute.load.payments)
    assert bad_minute.broken("P2") == []


def test_p03_every_outcome_is_settled(bad_minute: BadMinute) -> None:
    assert bad_minute.broken("P3") == []


def test_p04_money_is_conserved_at_all_times(bad_minute: BadMinute) -> None:
    assert bad_minute.reader.looks > 10
    assert bad_minute.reader.problems + bad_minute.broken("P4") == []


def test_p07_no_answer_goes_to_somebody_else(bad_minute: BadMinute) -> None:
    assert bad_minute.broken("P7") == []
    assert bad_minute.load.strays == []  # nor does a bank's stray or second answer reach a gateway (P6)


def test_p08_a_frozen_bank_is_answered_for_by_the_deadline(bad_minute: BadMinute) -> None:
    illness = bad_minute.illness
    assert illness.slowest_s > 0.9 * DEADLINE_S  # it was frozen indeed
    assert not illness.late(DEADLINE_S, BUSY_GRACE_S), illness


def test_p09_one_sick_bank_makes_no_other_sick(bad_minute: BadMinute) -> None:
    illness = bad_minute.illness
    assert illness.others_during_s < DEADLINE_S / 2, illness  # they do not wait for the frozen one
    assert illness.more_mb < 20


def test_p12_a_full_disk_loses_nothing_that_was_told(bad_minute: BadMinute) -> None:
    """The last resort, with not a byte left; that it declines before is `tests/switch/test_full_disk.py`'s."""
    assert bad_minute.end_without_room not in (0, -signal.SIGKILL)
    assert bad_minute.broken("P1") == []


def test_p13_a_clean_stop_loses_nothing(bad_minute: BadMinute) -> None:
    assert bad_minute.stop_codes == [0] * STOPS
    assert bad_minute.longest_stop_s < 15.0 + 2.0  # the longest deadline, and two seconds


def test_p15_connections_that_came_and_went_leave_nothing(bad_minute: BadMinute) -> None:
    before, after = bad_minute.vitals
    for what in ("descriptors", "tasks", "links"):
        assert after[what] <= before[what] + 5, what


def test_p22_the_books_agree(bad_minute: BadMinute) -> None:
    assert bad_minute.audit == 0
