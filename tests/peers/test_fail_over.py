"""One bank with two real hosts: one is killed, one is frozen, and whoever pays is answered within the deadline.

Whatever the lost or frozen host had in hand is in doubt: it is answered 91 in time and reversed. All else goes to the
other host at once, and both carry traffic again when both are well. Part of `./run promises P8`: it takes a quarter of
a minute, so it is left out of `./run test`, where conversations say the same of one core.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from switch.circuit import SICK_RUN
from switch.place import Part, Party, Place
from switch.shell.free_ports import free_ports
from tests.network import SWITCH, Process, RunningNetwork, issuer, running_network
from tests.peers.client import Client

ISSUER_S = 1.0
LATE_S = 0.1 + 1.0  # the switch's own, and a busy machine's
CARD = "4111111111111111"
pytestmark = pytest.mark.skipif(os.environ.get("PROMISES") != "full", reason="full size: ./run promises P8")
FIRST, SECOND = issuer("sandbox"), Party(Part.ISSUER, "sandbox-2")
SIGNED_ON = "issuer.signed_on"


@dataclass
class Bank:
    """The network, and the second host's own place in it."""

    network: RunningNetwork
    place: Place

    def start_second(self) -> None:
        log = self.network.place.state / "logs" / "second.log"
        before = self.sign_ons()
        self.network.processes[SECOND] = Process(SECOND, FIRST.command(self.place), log)
        self.network.processes[SECOND].wait_until_ready()
        self.network.until(lambda: self.sign_ons() > before, 30.0, "the second host to be signed on")

    def sign_ons(self) -> int:
        return self.network.log_of(SWITCH).count(SIGNED_ON)

    def pays(self, client: Client, times: int) -> list[tuple[str, float]]:
        """Purchases one after another: DE 39, and how long each took."""
        told = []
        for _ in range(times):
            began = time.monotonic()
            _, answer = client.ask("0100", client.purchase(CARD, 700))
            told.append((answer[39], time.monotonic() - began))
        return told


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    port = free_ports(["second"])["second"]

    def edit(directory: Path) -> None:
        agreement = directory / "participants" / "sandbox.toml"
        text = agreement.read_text().replace('dial = "sandbox"', f'dial = ["sandbox", "127.0.0.1:{port}"]')
        text = text.replace("links = 2", "links = 1")
        agreement.write_text(f"{text}\n[deadlines]\nissuer_s = {ISSUER_S}\nhsm_s = 0.5\n")

    with running_network(edit=edit) as network:
        assert network.place.network is not None
        beside = network.place.network.parent / "second"
        shutil.copytree(network.place.network, beside)
        own = beside / "banks" / "sandbox.toml"
        own.write_text(f'listen = "127.0.0.1:{port}"\n' + own.read_text())
        found = Bank(network, Place(beside, network.place.state.parent / "second-state"))
        found.start_second()
        yield found


def test_a_host_that_is_killed_is_not_missed(bank: Bank) -> None:
    with Client(bank.network.host, bank.network.ports["lab"]) as client:
        assert {code for code, _ in bank.pays(client, 6)} == {"00"}
        bank.network.kill(SECOND)
        told = bank.pays(client, 12)
        assert [code for code, _ in told].count("00") >= 11  # the one that was on its way is in doubt
        assert max(took for _, took in told) < ISSUER_S + LATE_S
        bank.start_second()
        assert {code for code, _ in bank.pays(client, 6)} == {"00"}


def test_a_host_that_is_frozen_costs_its_own_requests_and_no_more(bank: Bank) -> None:
    if SECOND not in bank.network.processes:
        bank.start_second()
    with Client(bank.network.host, bank.network.ports["lab"]) as client:
        bank.network.processes[FIRST].popen.send_signal(signal.SIGSTOP)
        try:
            told = bank.pays(client, 2 * SICK_RUN)
            assert max(took for _, took in told) < ISSUER_S + LATE_S
            assert [code for code, _ in told].count("00") >= SICK_RUN  # every second one goes to the other host
            well = bank.pays(client, 10)  # by now the frozen link is not fed any more
            assert {code for code, _ in well} == {"00"}
            assert max(took for _, took in well) < ISSUER_S
        finally:
            bank.network.processes[FIRST].popen.send_signal(signal.SIGCONT)
        books = bank.network.settled()  # what was in doubt is reversed, and nothing waits
    assert {entry["state"] for entry in books} <= {"approved", "declined", "reversed"}
