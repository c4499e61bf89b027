"""The real process: started, talked to over a socket, killed without warning, started again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from issuers.__main__ import main
from issuers.store import Store, bank_path
from protocols import network
from protocols.message import Message
from tests.issuers.branch import DIALECT, FRAMING, INTERNET_200, Fields, Switch, frame_of, repeated, said


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A network of its own, with the bank on a port that is free."""
    for part in ("network.toml", "participants", "banks"):
        found = network.source(None, part)
        copy = shutil.copytree if found.is_dir() else shutil.copy
        copy(found, tmp_path / part)
    settings = (tmp_path / "network.toml").read_text()
    for name in ("nbk", "hsm", "banking"):
        settings = re.sub(rf"^{name} = \d+", f"{name} = {free_port()}", settings, flags=re.MULTILINE)
    (tmp_path / "network.toml").write_text(settings)
    return tmp_path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(directory: Path) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """The bank's process and a link to it; killed at the end if it still lives."""
    command = [sys.executable, "-m", "issuers", "nbk", "--network", str(directory), "--state", str(directory / "var")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, name, address = process.stdout.readline().split()
            assert (word, name) == ("listening", "nbk")
            host, port = address.split(":")
            with socket.create_connection((host, int(port)), timeout=60) as link:
                yield process, link
        finally:
            process.kill()


def asked(link: socket.socket, *messages: Fields) -> list[Message]:
    link.sendall(b"".join(FRAMING.pack(frame_of(message)) for message in messages))
    framer = FRAMING.framer()
    answers: list[Message] = []
    while len(answers) < len(messages):
        answers += [DIALECT.decode(frame) for frame in framer.feed(link.recv(65536))]
    return answers


def test_nothing_is_forgotten_when_the_process_is_killed(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    switch = Switch(None, count(1))  # type: ignore[arg-type]
    requests = [switch.request(pan=INTERNET_200, amount=10_000) for _ in range(10)]
    with running(directory) as (process, link):
        first = asked(link, *requests)
        assert [said(answer) for answer in first] == ["00"] * 10
        process.kill()
    assert books(directory, capsys) == [("approved", 10_000)] * 10  # as it lay when it died
    with running(directory) as (process, link):
        again = asked(link, *map(repeated, requests))
        assert [answer.frame for answer in again] == [answer.frame for answer in first]
        assert books(directory, capsys) == [("approved", 10_000)] * 10  # while it runs
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    store = Store(bank_path(directory / "var", "nbk"))
    assert store.problems() == []
    store.close()


def books(directory: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, int]]:
    capsys.readouterr()
    places = ["--network", str(directory), "--state", str(directory / "var")]
    assert main(["books", "nbk", "--json", *places]) == 0
    return [(entry["state"], entry["amount"]) for entry in json.loads(capsys.readouterr().out)]


def test_a_port_that_is_taken_is_told(directory: Path) -> None:
    with running(directory):
        command = [sys.executable, "-m", "issuers", "nbk", "--network", str(directory), "--state", str(directory / "b")]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 3
    assert "cannot listen" in second.stderr and "Traceback" not in second.stderr


def test_cards_are_listed_for_machines_and_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cards", "--json"]) == 0
    cards = {card["pan"]: card for card in json.loads(capsys.readouterr().out)}
    assert cards[INTERNET_200] == {
        "pan": INTERNET_200,
        "product": "internet-shopping",
        "expiry": "2912",
        "pin": "1234",
        "state": "active",
        "limit": "200.000",
        "note": "internet shopping card, limit 200.000",
        "issuer": "nbk",
    }
    assert main(["cards"]) == 0
    assert INTERNET_200 in capsys.readouterr().out


def test_an_unknown_bank_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["barings"]) == 2
    assert "no such bank" in capsys.readouterr().err
    assert main(["books", "--state", os.devnull]) == 2
