"""Two HSMs with the same keys, as processes: one is killed, then frozen, and PINs go on being read and verified."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from switch.place import Place
from switch.shell.free_ports import free_ports
from tests.network import HSM, SWITCH, Process, RunningNetwork, Till, issuer, running_network

APPROVED = ("approved", "00", None)


def with_two(directory: Path) -> None:
    """The network names a second HSM, for the switch and for the one bank that is ours."""
    for bank in directory.glob("banks/*.toml"):
        if bank.stem != "nbk":
            bank.unlink()
    for agreement in directory.glob("participants/*.toml"):  # on a busy machine an HSM may take its time
        agreement.write_text(agreement.read_text() + "\n[deadlines]\nhsm_s = 4.0\n")
    file = directory / "network.toml"
    port = free_ports({"hsm_2": 1})["hsm_2"]
    text = file.read_text().replace("[ports]", f"[ports]\nhsm_2 = {port}", 1)
    file.write_text('hsms = ["hsm", "hsm_2"]\n' + text)


def second_hsm(network: RunningNetwork) -> Process:
    """It is configured in a folder of its own: the same network, another port."""
    assert network.place.network is not None
    folder, state = network.place.network.with_name("network-2"), network.place.state.with_name("state-2")
    shutil.copytree(network.place.network, folder)
    (folder / "hsm.toml").write_text('port = "hsm_2"\n')
    second = Process(HSM, HSM.command(Place(folder, state)), network.place.state / "logs" / "hsm-2.log")
    second.wait_until_ready()
    return second


def outcome(told: dict[str, Any]) -> tuple[str, str | None, str | None]:
    return told["outcome"], told["response_code"], told.get("reason")


def asks_its_balance(machine: Till, card: dict[str, str], pin: str) -> tuple[str, str | None, str | None]:
    return outcome(machine.ask("balance", channel="atm", pin=pin, **card))


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Done by somebody else while the block runs."""
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_one_of_two_hsms_is_killed_and_then_frozen_mid_load_and_pins_go_on() -> None:
    with running_network(edit=with_two) as network:
        second = second_hsm(network)
        try:
            for party in (SWITCH, issuer("nbk")):  # they find both there, and need not wait to dial again
                network.stop(party)
            network.start(issuer("nbk"))
            network.start(SWITCH)
            debit = next(
                one
                for one in network.cards()
                if (one["issuer"], one["product"], one["state"]) == ("nbk", "debit", "active")
                and "PIN may be got wrong" in one["note"]
            )
            card = {"pan": debit["pan"], "expiry": debit["expiry"]}
            with network.till("nbk") as machine:
                for _ in range(4):
                    assert asks_its_balance(machine, card, "1234") == APPROVED
                with meanwhile(lambda: network.kill(HSM)):  # kill -9, in the middle of these
                    asked = [asks_its_balance(machine, card, "1234") for _ in range(8)]
                assert asked == [APPROVED] * 8
                assert asks_its_balance(machine, card, "9999") == ("declined", "55", "pin.wrong")
                network.start(HSM)
                assert asks_its_balance(machine, card, "1234") == APPROVED
                with meanwhile(lambda: network.freeze(HSM)):  # its sockets stay open, and nobody answers
                    frozen = [asks_its_balance(machine, card, "1234") for _ in range(8)]
                assert frozen == [APPROVED] * 8
                network.thaw(HSM)
                assert asks_its_balance(machine, card, "1234") == APPROVED
            audit = network.audit()
            assert audit.returncode == 0, audit.stdout + audit.stderr
        finally:
            assert second.end(signal.SIGTERM) == 0
