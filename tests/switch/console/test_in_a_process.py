"""The console of a real switch: its port, its token's file, its probes from the first moment to the last."""

from __future__ import annotations

import http.client
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from protocols.network import load
from switch.console.token import address
from switch.home import SWITCH as FOLDER
from switch.home import TOKEN
from switch.network_copy import copy_network, renumber
from switch.place import Place
from switch.shell.free_ports import free_ports
from switch.shell.running import provide_certificates
from tests.network import SWITCH, Process, RunningNetwork

pytestmark = pytest.mark.timeout(90)


def asks(port: int, path: str, **headers: str) -> tuple[int, str]:
    """Status and body; (0, "") where nobody is there."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (ConnectionError, http.client.HTTPException):
            return 0, ""


@contextmanager
def lone_switch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Process, Place, int, socket.socket]]:
    """A switch whose issuers and HSM are not there, told to be ready only when it gives up waiting for them."""
    place = Place(folder / "network", folder / "state")
    assert place.network is not None
    copy_network(None, place.network)
    ports = free_ports(load(place.network).ports)
    renumber(place.network, ports)
    provide_certificates(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        name = f"payswitch-{uuid4()}"  # in the abstract: a path could be longer than an address may be
        supervisor.bind(f"\0{name}")
        supervisor.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        process = Process(SWITCH, SWITCH.command(place), folder / "switch.log")
        try:
            yield process, place, ports["console"], supervisor
        finally:
            process.end(signal.SIGTERM)


def test_from_the_first_moment_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lone_switch(tmp_path, monkeypatch) as (process, place, port, supervisor):
        first = RunningNetwork.until(lambda: asks(port, "/readyz")[0], 40, "the console to be there")
        assert first == 503  # it still waits for its issuers, and says so
        assert supervisor.recv(100) == b"READY=1"
        process.wait_until_ready()
        assert asks(port, "/readyz") == (200, "ready\n")
        assert asks(port, "/healthz")[0] == 200
        status, figures = asks(port, "/metrics")
        assert status == 200 and 'payswitch_links{kind="issuer",participant="nbk",state="signed_on"} 0.0' in figures
        assert "payswitch_process_resident_memory_bytes" in figures
        token = place.state / FOLDER / TOKEN
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        opened = address(place.state, "127.0.0.1", port)
        assert opened is not None
        assert asks(port, opened.partition(str(port))[2])[0] == 303
        assert asks(port, "/")[0] == 403
        assert asks(port, "/metrics", Origin="http://127.0.0.1:8591")[0] == 403
        assert asks(port, "/static/../serve.py")[0] == 404
        assert asks(port, "/", Host="attacker.example")[0] == 400
        assert process.end(signal.SIGTERM) == 0
        assert supervisor.recv(100) == b"STOPPING=1"
    assert token.read_text().strip() not in (tmp_path / "switch.log").read_text()
