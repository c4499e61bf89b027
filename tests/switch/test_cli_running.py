"""The real thing: a network of processes brought up, used, broken, audited and stopped; and the demo."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.network import load
from switch.network_copy import copy_network, renumber
from switch.shell.free_ports import free_ports

PAYSWITCH = [sys.executable, "-m", "switch"]  # any command by its name


def payswitch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PAYSWITCH, *arguments], capture_output=True, text=True, check=False, timeout=110)


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    """A throw-away network and state, as options."""
    network = tmp_path / "network"
    copy_network(None, network)
    renumber(network, free_ports(load(network).ports))
    return ["--network", str(network), "--state", str(tmp_path / "var")]


@pytest.fixture
def up(place: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The network, ready."""
    with subprocess.Popen([*PAYSWITCH, "up", *place], stdout=subprocess.PIPE, text=True) as running:
        try:
            hears(running, "ready")
            yield running
        finally:
            running.kill()


def hears(running: subprocess.Popen[str], words: str) -> str:
    """Read its lines up to one with these words in it."""
    assert running.stdout is not None
    for line in running.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without saying {words!r}")


def children_of(pid: int) -> dict[int, str]:
    """Process id and command line of every child."""
    told = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return {int(line.split()[0]): line for line in told.stdout.splitlines()}


def test_a_network_from_its_first_line_to_its_last(up: subprocess.Popen[str], place: list[str]) -> None:
    purchase = ["2=4111111111111111", "3=0", "4=12000", "14=2912", "18=5732", "22=812", "25=59", "49=784"]
    sent = payswitch("send", "--mti", "0100", "--json", *place, *(word for one in purchase for word in ("--set", one)))
    assert json.loads(sent.stdout)["answer"]["elements"]["39"]["value"] == "00"

    assert payswitch("up", *place).returncode == 2  # the state folder is taken
    elsewhere = payswitch("up", *place[:2], "--state", f"{place[3]}-2")
    assert elsewhere.returncode == 3
    assert "(hsm)" in elsewhere.stderr

    victim = next(pid for pid, line in children_of(up.pid).items() if "issuers nbd" in line)
    os.kill(victim, signal.SIGKILL)
    hears(up, "issuer nbd: ended with exit code -9, starts again")
    hears(up, "is up again")

    audited = json.loads(payswitch("audit", "--json", *place).stdout)
    assert audited["agrees"]
    assert {one["issuer"]: one["counts"]["approved"] for one in audited["issuers"]}["sandbox"] == 1

    up.send_signal(signal.SIGINT)
    assert up.wait(timeout=60) == 0
    assert not children_of(up.pid)
    assert payswitch("audit", *place).returncode == 0  # and without anything running


def test_the_demo_agrees_with_itself() -> None:
    shown = payswitch("demo")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    steps = set(re.findall(r"^ +([0-9]+)  ", shown.stdout, re.MULTILINE))
    assert {"1", "2", "3", "4", "5", "6", "9", "11"} <= steps
    assert "books agree" in shown.stdout
    assert re.search(r"^All [0-9]+ agree", shown.stdout, re.MULTILINE)
    assert "kept:" not in shown.stdout
