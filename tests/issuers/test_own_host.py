"""A bank's own host, as docs/issuer.md has it: the document's agreement, the document's command, real money."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from switch.shell.child import leash
from switch.shell.free_ports import free_ports
from tests.network import ASK_WITHIN_S, RunningNetwork, running_network
from tests.peers.client import Client, reversal_of

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = (DOCS / "issuer.md").read_text()
[AGREEMENT] = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
[COMMAND] = re.findall(r"\$ python (docs/\S+) (\d+)", DOCUMENT)
PAN = "9784100000000019"


def as_documented(port: int) -> str:
    assert f"127.0.0.1:{COMMAND[1]}" in AGREEMENT
    return AGREEMENT.replace(COMMAND[1], str(port))


@pytest.fixture
def network() -> Iterator[RunningNetwork]:
    port = free_ports({"own": 1})["own"]

    def edit(directory: Path) -> None:
        (directory / "participants" / "nbd.toml").write_text(as_documented(port))
        (directory / "banks" / "nbd.toml").unlink()

    script = DOCS.parent / COMMAND[0]
    with subprocess.Popen([sys.executable, str(script), str(port)], preexec_fn=leash()) as host:
        try:
            with running_network(edit=edit) as running:
                yield running
        finally:
            host.kill()


def test_the_documents_host_takes_a_banks_place(network: RunningNetwork) -> None:
    with Client(network.host, network.ports["lab"]) as client:

        def tried() -> bool:
            return client.ask("0100", client.purchase(PAN, 100, "784"))[1][39] == "00"

        assert network.until(tried, ASK_WITHIN_S, "the host to be signed on")
        paid = client.purchase(PAN, 499_000, "784")
        assert client.ask("0100", paid)[1][39] == "00"
        refused = client.ask("0100", client.purchase(PAN, 1_000, "784"))[1]
        assert (refused[39], refused[44]) == ("61", "limit.exceeded")
        assert client.ask("0420", reversal_of(client, "0100", paid))[1][39] == "00"
        network.settled()
        assert client.ask("0100", client.purchase(PAN, 1_000, "784"))[1][39] == "00"
        network.settled()
    audit = network.audit()
    assert audit.returncode == 0 and "nbd" in audit.stdout


def test_the_example_is_as_short_as_it_says() -> None:
    lines = (DOCS.parent / COMMAND[0]).read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(("#", '"""'))]
    assert len(code) <= 66, len(code)


def test_every_order_of_the_document_is_one() -> None:
    from issuers.__main__ import _parser, _request
    from issuers.counter import COMMANDS

    for line in re.findall(r"\$ payswitch issuer (.*)", DOCUMENT):
        assert _request(_parser().parse_args(line.split()))["do"] in COMMANDS
