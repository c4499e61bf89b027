"""`python -m acquirers` as a process: its lines in and out, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import trio

from protocols.network import source
from tests.acquirers.making import CARD
from tests.acquirers.test_gateway import FakeSwitch, approves


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Path]:
    """A network whose switch approves everything, on a port of its own."""
    for part in ("merchants.toml", "participants", "gateways"):
        origin = source(None, part)
        (shutil.copytree if origin.is_dir() else shutil.copy)(origin, tmp_path / part)

    async def answer_everything(stream: trio.SocketStream) -> None:
        await FakeSwitch(stream, approves).run()

    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_tcp, answer_everything, 0, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        port = listener.socket.getsockname()[1]
        (tmp_path / "network.toml").write_text(f"[ports]\nlab = {port}\ngateways_tls = {port}\n")
        yield tmp_path
        nursery.cancel_scope.cancel()


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "acquirers", *map(str, arguments)]


async def test_a_till_sells_and_reverses_and_ends_when_its_input_ends(network: Path) -> None:
    """The wait for `ready` is the point: before it, a sale is `link_down`."""
    async with trio.open_nursery() as nursery:
        piped = partial(trio.run_process, stdin=subprocess.PIPE, stdout=subprocess.PIPE, capture_stdout=False)
        gateway = await nursery.start(piped, command("comtrust", "--till", "--network", network))
        lines = LinesOf(gateway.stdout)
        assert await lines.next() == "ready comtrust"
        sale = {"id": 1, "do": "purchase", "merchant": "UAEMALL00000001", "pan": CARD.clear(), "amount": "120.00"}
        await gateway.stdin.send_all(json.dumps(sale).encode() + b"\n")
        told = json.loads(await lines.next())
        assert (told["id"], told["outcome"], told["approval_code"]) == (1, "approved", "A1B2C3")
        await gateway.stdin.send_all(b'not json\n{"id": 2, "do": "reverse", "of": 1}\n')
        told = {json.loads(line)["id"]: json.loads(line) for line in (await lines.next(), await lines.next())}
        assert told[None]["outcome"] == "error"
        assert (told[2]["mti"], told[2]["outcome"]) == ("0410", "approved")
        await gateway.stdin.aclose()
        with trio.fail_after(60):
            assert await gateway.wait() == 0


async def test_a_gateway_stops_cleanly_when_told_to(network: Path) -> None:
    async with trio.open_nursery() as nursery:
        piped = partial(trio.run_process, stdout=subprocess.PIPE, capture_stdout=False)
        gateway = await nursery.start(piped, command("nbk", "--network", network))
        assert await LinesOf(gateway.stdout).next() == "ready nbk"
        gateway.send_signal(signal.SIGTERM)
        with trio.fail_after(60):
            assert await gateway.wait() == 0


async def test_an_unknown_gateway_is_wrong_use(network: Path) -> None:
    result = await trio.run_process(command("nobody", "--network", network), capture_stderr=True, check=False)
    assert result.returncode == 2
    assert b"no nobody.toml" in result.stderr and b"Traceback" not in result.stderr


class LinesOf:
    """Lines of a process's output, one at a time."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._rest = b""

    async def next(self) -> str:
        with trio.fail_after(60):
            while b"\n" not in self._rest:
                data = await self._stream.receive_some()
                assert data, "the process ended its output"
                self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()
