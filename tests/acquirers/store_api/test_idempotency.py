"""The same key and the same wish: one effect and one answer, at once, later, and after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.acquirers.store_api.bench import OTHER, approves, opened

WISH = {"amount": "120.00", "currency": "AED"}


async def test_the_same_again_gets_the_same_answer_also_after_a_restart(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        first = await bench.post("/v1/payments", WISH, key="order-0001")
        again = await bench.post("/v1/payments", dict(reversed(WISH.items())), key="order-0001")
        assert again.json() == first.json() and again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" not in first.headers
    async with opened(tmp_path) as bench:
        later = await bench.post("/v1/payments", WISH, key="order-0001")
        assert (later.status_code, later.json()) == (201, first.json())


async def test_another_wish_under_the_same_key_is_409(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        await bench.post("/v1/payments", WISH, key="order-0001")
        told = await bench.post("/v1/payments", WISH | {"amount": "121.00"}, key="order-0001")
        assert (told.status_code, told.json()["slug"]) == (409, "idempotency.differs")
        other_shop = await bench.post("/v1/payments", WISH, key="order-0001", api_key=OTHER)
        assert other_shop.status_code == 201


async def test_ten_at_once_are_one(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        token = (await bench.paid(store_card=True))["token"]
        bench.switch.answers = lambda message: None if message.mti == "0200" else approves(message)
        told = []

        async def ask() -> None:
            told.append((await bench.post("/v1/payments", WISH | {"token": token}, key="order-0002")).json())

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            bench.switch._give.send_nowait(approves(bench.switch.heard[-1]) or b"")
        assert len({one["id"] for one in told}) == 1 and bench.switch.money() == ["0200", "0200"]


async def test_what_did_not_happen_leaves_the_key_free(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        assert (await bench.post("/v1/payments", WISH | {"amount": "0.00"}, key="order-0003")).status_code == 422
        assert (await bench.post("/v1/payments", WISH, key="order-0003")).status_code == 201


@pytest.mark.parametrize("key", ["short", "with space in it", "x" * 101, "schlüssel-0001"])
async def test_a_key_is_eight_to_a_hundred_visible_characters(
    tmp_path: Path, key: str, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        headers = {b"authorization": b"Bearer sk_test_uaemall_nobodys_key", b"idempotency-key": key.encode()}
        told = await bench.client.post("/v1/payments", json=WISH, headers=headers)
        assert (told.status_code, told.json()["slug"]) == (400, "idempotency.missing")
