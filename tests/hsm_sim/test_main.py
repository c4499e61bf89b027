"""The HSM as a process: what it prints, that it answers, how it stops, and what it says of a bad file."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols import network


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, int]:
    """A network's folder with the HSM on a free port."""
    port = _free_port()
    (tmp_path / "network.toml").write_text(f"[ports]\nhsm = {port}\n")
    (tmp_path / "hsm.toml").write_text(network.source(None, "hsm.toml").read_text())
    return tmp_path, port


def _started(directory: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hsm_sim", "--network", str(directory), "--state", str(directory), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )


@pytest.fixture
def process(place: tuple[Path, int]) -> Iterator[subprocess.Popen[str]]:
    started = _started(place[0], "--seed", "7")
    yield started
    started.kill()
    started.communicate()


def test_it_says_where_it_listens_answers_and_stops_cleanly(
    place: tuple[Path, int], process: subprocess.Popen[str]
) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"listening hsm 127.0.0.1:{place[1]}\n"
    assert process.stdout.readline() == "ready hsm\n"
    with socket.create_connection(("127.0.0.1", place[1]), timeout=10) as link:
        link.sendall(b"\x00\x060001NC")
        assert link.recv(4096) == b"\x00\x210001ND0026860400000000001500-0023"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    assert "randomness comes from a seed" in err
    assert '"NC 00": 1' in err


def test_a_bad_file_is_explained_and_ends_it(place: tuple[Path, int]) -> None:
    (place[0] / "hsm.toml").write_text('header_length = -1\nfirmware = "x"\n')
    ended = _started(place[0])
    out, err = ended.communicate(timeout=20)
    assert (ended.returncode, out) == (2, "")
    assert "header_length" in err
    assert "firmware" in err
