"""Floods, on real sockets: whoever is on a link already does not notice, and those who flood are let go."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from protocols.runtime import tls as tls_module
from protocols.runtime.link import Link
from protocols.runtime.listener import serve, serve_links
from tests.protocols.runtime.test_tls import HOST, LEN2, Port, asked, dialled, issued, lay

HALF_OPEN, CONNECTIONS = 50, 150


async def test_a2_a_flood_of_half_open_handshakes_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "HANDSHAKE_TIMEOUT_S", 1.0)
    port = Port(lay(tmp_path / "switch", "switch", issued("switch")))
    comtrust = lay(tmp_path / "comtrust", "comtrust", issued("comtrust"))
    async with trio.open_nursery() as nursery, AsyncExitStack() as open_ones:
        port.number = await nursery.start(serve, HOST, 0, port.entrance)
        good = await open_ones.enter_async_context(await dialled(port, comtrust))
        for _ in range(HALF_OPEN):
            await open_ones.enter_async_context(await trio.open_tcp_stream(HOST, port.number))
        assert await asked(good, b"during") == b"comtrust said during"
        async with await dialled(port, comtrust) as newcomer:
            assert await asked(newcomer, b"new") == b"comtrust said new"
        assert await port.refusal(HALF_OPEN) == "no handshake within 1 s"
        assert await asked(good, b"after") == b"comtrust said after"
        nursery.cancel_scope.cancel()


async def test_a16_a_storm_of_connections_leaves_the_open_links_alone() -> None:
    async def echo(link: Link) -> None:
        while frames := await link.receive():
            link.send(frames)

    async with trio.open_nursery() as nursery:
        port = await nursery.start(
            lambda task_status: serve_links(HOST, 0, LEN2, echo, links=20, task_status=task_status)
        )
        async with await trio.open_tcp_stream(HOST, port) as good:
            assert await asked(good, b"before") == b"before"
            for turn in range(CONNECTIONS):
                storm = await trio.open_tcp_stream(HOST, port)
                await trio.aclose_forcefully(storm)
                if turn % 50 == 0:
                    assert await asked(good, b"during") == b"during"
            async with AsyncExitStack() as held:
                crowd = [await held.enter_async_context(await trio.open_tcp_stream(HOST, port)) for _ in range(60)]
                assert await crowd[-1].receive_some(1) == b""  # beyond the bound: closed at once
                assert await asked(good, b"in a crowd") == b"in a crowd"
            assert await asked(good, b"after") == b"after"
        nursery.cancel_scope.cancel()
