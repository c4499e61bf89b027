"""A known host beside the load tester, in the same process or in its own; scenarios in one line. For tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trio

from loadtest.result import Result
from loadtest.scenario import Scenario, made
from loadtest.script import Script
from loadtest.shell.run import Run
from loadtest.shell.serve import Server

START_S = 60.0  # an interpreter on a busy machine


def scenario(port: int = 1, rate_per_s: float = 100.0, for_s: float = 1.0, **changes: Any) -> Scenario:
    """A steady stream of purchases; `changes` as in a file, by section."""
    content: dict[str, Any] = {
        "name": "test",
        "target": {"port": port},
        "links": {"count": 2, "max_in_flight": 100_000},
        "plan": {"arrivals": [{"shape": "constant", "rate_per_s": rate_per_s, "for_s": for_s}]},
        "mix": {"purchase": 1},
        "timeouts": {"answer_s": 5.0},
    }
    for name, part in changes.items():
        content[name] = {**content.get(name, {}), **part} if isinstance(part, dict) and name != "mix" else part
    return made(content)


async def run_against(script: dict[str, Any], rate_per_s: float = 100.0, for_s: float = 1.0, **changes: Any) -> Result:
    """A run against an answerer in the same process: what is told, and no more, goes wrong."""
    server = Server(Script.model_validate(script))
    async with trio.open_nursery() as nursery:
        port = await nursery.start(server.run)
        result = await Run(scenario(port, rate_per_s, for_s, **changes)).go()
        nursery.cancel_scope.cancel()
    return result


@contextmanager
def answering(tmp_path: Path, script: str = "") -> Iterator[int]:
    """The same as a process of its own: its port."""
    file = tmp_path / "script.toml"
    file.write_text(script)
    command = [sys.executable, "-m", "loadtest", "serve", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(START_S)
        assert process.stdout is not None
        process.stdout.close()
