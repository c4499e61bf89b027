"""The HSM as a process: what it prints, that it answers, how it stops, and what it says of a bad file."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hsm_sim.lmk import LmkKind
from hsm_sim.own_lmks import save
from hsm_sim.primitives.at_rest import COST_LEAST
from protocols import network, pki


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, int]:
    """A network's folder with the HSM on a free port."""
    port = _free_port()
    (tmp_path / "network.toml").write_text(
        f"[ports]\nhsm = {port}\nhsm_tls = {_free_port()}\nhsm_control = {_free_port()}\n"
    )
    _certify(tmp_path / pki.FOLDER)
    (tmp_path / "hsm.toml").write_text(network.source(None, "hsm.toml").read_text())
    return tmp_path, port


def _certify(folder: Path) -> None:
    """What `payswitch pki init` lays there, as far as the HSM needs it."""
    folder.mkdir(mode=0o700)
    now = datetime.now(UTC)
    authority = pki.make_authority("test", now)
    (folder / "authority.crt").write_bytes(authority.certificate)
    for name in ("hsm", "switch"):
        made = pki.issue(authority, name, ["127.0.0.1"], now)
        (folder / f"{name}.crt").write_bytes(made.certificate)
        (folder / f"{name}.key").write_bytes(made.key)
        (folder / f"{name}.key").chmod(0o600)


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
    assert process.stdout.readline().startswith("listening hsm 127.0.0.1:")
    assert process.stdout.readline() == "ready hsm\n"
    with socket.create_connection(("127.0.0.1", place[1]), timeout=60) as link:
        link.sendall(b"\x00\x060001NC")
        assert link.recv(4096) == b"\x00\x210001ND0026860400000000001500-0023"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert "randomness comes from a seed" in err
    assert '"NC 00": 1' in err


def test_a_bad_file_is_explained_and_ends_it(place: tuple[Path, int]) -> None:
    (place[0] / "hsm.toml").write_text('header_length = -1\nfirmware = "x"\n')
    ended = _started(place[0])
    out, err = ended.communicate(timeout=60)
    assert (ended.returncode, out) == (2, "")
    assert "header_length" in err
    assert "firmware" in err


def test_own_lmks_are_opened_with_their_passphrase_and_stay_closed_without(place: tuple[Path, int]) -> None:
    folder, port = place
    save(folder, "10", LmkKind.BLOCK_AES, bytes(range(32)), "correct horse battery", COST_LEAST)
    passphrase = folder / "passphrase"
    passphrase.write_text("correct horse battery\n")
    passphrase.chmod(0o600)
    for more, error in ((("--lmk-passphrase", str(passphrase)), b"00"), ((), b"13")):
        started = _started(folder, *more)
        assert started.stdout is not None
        try:
            assert any(line.startswith("ready") for line in started.stdout)
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                client.sendall(b"\x00\x090001NC%10")
                assert client.recv(100)[8:10] == error
        finally:
            started.kill()
            said = started.communicate()[1]
        assert ("stay closed" in said) == (error == b"13")
