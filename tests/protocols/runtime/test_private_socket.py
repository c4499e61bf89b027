"""The private socket: whose it is, how lines travel, what a stranger's line does not break."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from protocols.runtime.exits import UnavailableError
from protocols.runtime.private_socket import LINE_MAX, Line, Say, ask_private, serve_private


async def echoes(asked: Line | None, say: Say) -> Line:
    """Says `twice` first where it is asked to."""
    if asked and asked.get("do") == "twice":
        await say({"ok": "first"})
    return {"asked": asked}


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_private, path, echoes)
        yield
        nursery.cancel_scope.cancel()


async def ask(path: Path, **asked: Any) -> Line:
    return await trio.to_thread.run_sync(lambda: ask_private(path, asked, within_s=30, absent="nobody is there"))


async def test_it_is_its_owners_alone_and_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "party.sock"
    path.touch()  # of a process that died
    async with served(path):
        assert path.stat().st_mode & 0o777 == 0o600
        assert await ask(path, do="vitals") == {"asked": {"do": "vitals"}}
    assert not path.exists()
    with pytest.raises(UnavailableError, match="nobody is there"):
        await ask(path, do="vitals")


async def test_a_path_may_be_longer_than_an_address_and_costs_no_descriptor(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    async with served(folder / "party.sock"):
        await ask(folder / "party.sock", do="vitals")
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            assert await ask(folder / "party.sock", do="vitals") == {"asked": {"do": "vitals"}}
        assert len(os.listdir("/proc/self/fd")) < before + 10  # the last ends may not be closed yet


async def test_lines_are_answered_in_turn_and_more_may_be_said_before_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "party.sock"
    async with served(path):
        stream = await trio.open_unix_socket(str(path))
        async with stream:
            await stream.send_all(b'{"do": "twice"}\n[1]\n' + b"[" * 10_000 + b'\nnot json\n{"do":')
            heard = b""
            while heard.count(b"\n") < 5:
                heard += await stream.receive_some()
            said = [b'{"ok": "first"}', b'{"asked": {"do": "twice"}}', *[b'{"asked": null}'] * 3]
            assert heard.splitlines() == said


async def test_a_line_without_an_end_is_not_kept_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "party.sock"
    async with served(path):
        stream = await trio.open_unix_socket(str(path))
        async with stream:
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await stream.send_all(b"x" * LINE_MAX)
        assert await ask(path, do="vitals") == {"asked": {"do": "vitals"}}
