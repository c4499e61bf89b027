"""Console, explain and fault as a person starts them, against a process."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from hsm_sim.__main__ import main
from tests.hsm_sim.known import GOOD, K1_CVK
from tests.hsm_sim.test_main import _started, place

__all__ = ["place"]


class Told(NamedTuple):
    """What a tool said, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


Tool = Callable[..., Told]


@pytest.fixture
def tool(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tool:
    """A tool as `python -m hsm_sim` starts it, within our process: another one for each word takes half a minute."""

    def started(*words: str, given: str = "") -> Told:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", StringIO(given))
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Told(code, said.out, said.err)

    return started


@pytest.fixture
def running(place: tuple[Path, int]) -> Iterator[Path]:
    process = _started(place[0])
    assert process.stdout is not None
    while not process.stdout.readline().startswith("ready"):
        assert process.poll() is None
    yield place[0]
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_person_asks_and_reads_both_ways_by_tcp_udp_and_tls(running: Path, tool: Tool) -> None:
    given = " ".join(f"{name}={value}" for name, value in GOOD["CW"].items())
    told = tool("console", "--network", str(running), given=f"NC\nCW {given}\n? CC\nCW cvk={K1_CVK}\nquit\n")
    assert "check_value          2686040000000000" in told.stdout
    assert "cvv                  [3 characters]" in told.stdout
    assert "asked    source_key, destination_key" in told.stdout
    assert told.stderr == "pan is missing\n"
    assert K1_CVK not in told.stdout
    assert "4111111111111111" not in told.stdout
    clear = tool("console", "--network", str(running), "--clear", "--udp", "CW", *given.split())
    assert "cvv                  366" in clear.stdout
    by_tls = tool("console", "--network", str(running), "--state", str(running), "--tls", "NC")
    assert (by_tls.returncode, by_tls.stderr) == (0, "")
    assert "firmware             1500-0023" in by_tls.stdout


def test_faults_are_switched_on_and_off_and_a_restart_is_counted(running: Path, tool: Tool) -> None:
    on = tool("fault", "--network", str(running), "set", "NC", "error", "--code", "39")
    assert json.loads(on.stdout)["fault"]["code"] == "39"
    assert "39: fraud detection" in tool("console", "--network", str(running), "NC").stdout
    tool("fault", "--network", str(running), "tamper")
    tool("fault", "--network", str(running), "restore")
    assert tool("console", "--network", str(running), "NC").returncode == 0
    told = tool("console", "--network", str(running), "J8")
    assert "tampers              0000000001" in told.stdout
    assert json.loads((running / "hsm" / "device.json").read_text()) == {"reboots": 0, "tampers": 1}


def test_a_frame_is_explained_without_any_hsm(tool: Tool) -> None:
    told = tool("explain", "0001NC", "00063030303" + "14E43")
    assert told.stdout.count("NC: health and LMK check") == 2
    wrong = tool("explain", "zz")
    assert (wrong.returncode, wrong.stderr) == (1, "cannot be explained: shorter than its header and command\n")


def test_the_tools_are_words_of_one_program() -> None:
    command = [sys.executable, "-m", "hsm_sim", "explain", "0001NC"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "NC: health and LMK check" in told.stdout


def test_without_an_hsm_the_tools_say_so(place: tuple[Path, int], tool: Tool) -> None:
    for words in (("console", "--network", str(place[0]), "NC"), ("fault", "--network", str(place[0]), "show")):
        told = tool(*words)
        assert told.returncode == 3
        assert "does not answer" in told.stderr


def test_kill_and_restart_brings_back_the_same_keys(place: tuple[Path, int], tool: Tool) -> None:
    def started() -> subprocess.Popen[str]:
        process = _started(place[0])
        assert process.stdout is not None
        while not process.stdout.readline().startswith("ready"):
            assert process.poll() is None
        return process

    network = ("--network", str(place[0]), "--clear")
    first = started()
    try:
        made = tool("console", *network, "A0", "mode=0", "key_type=001", "scheme=U").stdout
    finally:
        first.kill()
        first.communicate()
    key, check_value = (line.split()[-1] for line in made.splitlines() if line.split()[2] in ("key", "check_value"))
    second = started()
    try:
        asked = ("pair_code=FF", "key_length=1", f"key={key}", "key_type=001", "check_value_type=1")
        assert check_value in tool("console", *network, "BU", *asked).stdout
        assert "reboots              0000000001" in tool("console", *network, "J8").stdout
    finally:
        second.kill()
        second.communicate()
