"""News arrives signed, in order, and again and again until somebody takes it; over a real socket."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import trio

from acquirers.store_api.signature import is_right
from tests.acquirers.store_api.bench import BEGAN, opened


async def test_letters_are_signed_and_repeated_until_they_are_taken_in_order(tmp_path: Path) -> None:
    letters: list[tuple[str, bytes]] = []
    arrived = trio.Event()

    async def shop(stream: trio.SocketStream) -> None:
        """Refuses the first letter it sees, takes the others."""
        said = b""
        while b"\r\n\r\n" not in said or len(said.partition(b"\r\n\r\n")[2]) < _length(said):
            said += await stream.receive_some(65536)
        head, _, body = said.partition(b"\r\n\r\n")
        signed = re.search(rb"(?i)payswitch-signature: (\S+)", head)
        letters.append((signed[1].decode() if signed else "", body))
        status = b"503 Later" if len(letters) == 1 else b"204 Taken"
        await stream.send_all(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        if len(letters) == 3:
            arrived.set()

    async with trio.open_nursery() as nursery, opened(tmp_path) as bench:
        (listener,) = await nursery.start(partial(trio.serve_tcp, shop, 0, host="127.0.0.1"))
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/news"
        webhook = (await bench.post("/v1/webhooks", {"url": url})).json()
        bench.nursery.start_soon(bench.courier.run)
        payment = await bench.paid(capture="manual")
        await bench.post(f"/v1/payments/{payment['id']}/capture")
        with trio.fail_after(60):
            await arrived.wait()
        assert [json.loads(body)["type"] for _, body in letters] == [
            "payment.authorized",
            "payment.authorized",
            "payment.captured",
        ]
        now = int(BEGAN.timestamp())
        assert all(is_right(signed, webhook["secret"], body, now) for signed, body in letters)
        assert "secret" not in (await bench.get("/v1/webhooks")).json()["webhooks"][0]
        nursery.cancel_scope.cancel()


def _length(said: bytes) -> int:
    found = re.search(rb"(?i)content-length: (\d+)", said)
    return int(found[1]) if found else 0
