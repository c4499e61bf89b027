"""A bank in whatever dialect is asked for, on its command line: what a tester's own switch hears from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from switch.shell.child import leash
from switch.shell.free_ports import free_ports
from tests.issuers.branch import CREDIT


@pytest.mark.parametrize("dialect", ["iso93_binary", "ebcdic_base1"])
def test_a_bank_answers_in_the_dialect_it_is_told_to_speak(tmp_path: Path, dialect: str) -> None:
    port = free_ports({"nbk": 1})["nbk"]
    from switch.network_copy import copy_network, renumber

    network = tmp_path / "net"
    copy_network(None, network)
    renumber(network, {"nbk": port})
    place = ["--network", str(network), "--state", str(tmp_path / "var")]
    command = [sys.executable, "-m", "switch", "issuer", "nbk", "--dialect", dialect, *place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=leash()) as bank:
        try:
            assert bank.stdout is not None
            while not bank.stdout.readline().startswith("ready"):
                assert bank.poll() is None
            asked = ["--set", f"2={CREDIT}", "--set", "3=0", "--set", "4=1000", "--set", "49=414", "--set", "32=784001"]
            mti = "1100" if dialect.startswith("iso93") else "0100"
            if mti == "1100":
                asked += ["--set", "12=270314120000"]
            send = [sys.executable, "-m", "switch", "send", f"127.0.0.1:{port}", "--mti", mti, "--dialect", dialect]
            sent = subprocess.run([*send, *asked, "--json", *place], capture_output=True, text=True, timeout=60)
            assert sent.returncode == 0, sent.stdout + sent.stderr
            answer = json.loads(sent.stdout)
            assert any(code in json.dumps(answer) for code in ('"000"', '"00"')), answer
        finally:
            bank.terminate()
