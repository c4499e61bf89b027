"""Many at once: keys that race, wishes that add up to too much, a caller who leaves; money moves as if in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from protocols.message import Message
from tests.acquirers.store_api.bench import Bench, approves, opened

WISH = {"amount": "120.00", "currency": "AED"}


async def at_once(bench: Bench, wishes: list[tuple[str, Any, str]]) -> list[Any]:
    """These posts side by side, in whatever order; the answers in the order of the wishes."""
    told: list[Any] = [None] * len(wishes)

    async def ask(number: int, path: str, body: Any, key: str) -> None:
        told[number] = await bench.post(path, body, key=key)

    async with trio.open_nursery() as nursery:
        for number, wish in enumerate(wishes):
            nursery.start_soon(ask, number, *wish)
    return told


async def test_another_wish_under_a_key_that_is_being_worked_on_is_409_at_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        token = (await bench.paid(store_card=True))["token"]
        one, other = ({**WISH, "token": token, "amount": amount} for amount in ("5.00", "6.00"))
        first, second = await at_once(
            bench, [("/v1/payments", one, "order-race"), ("/v1/payments", other, "order-race")]
        )
        told = sorted((first, second), key=lambda answer: answer.status_code)
        assert [answer.status_code for answer in told] == [201, 409]
        assert told[1].json()["slug"] == "idempotency.differs" and bench.switch.money() == ["0200"] * 2


async def test_refunds_at_once_never_exceed_what_was_paid(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        path = f"/v1/payments/{(await bench.paid())['id']}/refund"
        told = await at_once(bench, [(path, {"amount": "50.00"}, f"refund-{number:04d}") for number in range(6)])
        assert sorted(answer.status_code for answer in told) == [200, 200, 422, 422, 422, 422]
        assert len(bench.switch.money()) == 3


async def test_a_caller_who_leaves_finds_the_answer_later(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        token = (await bench.paid(store_card=True))["token"]
        bench.switch.answers = lambda message: None if message.mti == "0200" else approves(message)
        with trio.move_on_after(1.0):
            await bench.post("/v1/payments", {**WISH, "token": token}, key="order-left")
        asked = bench.switch.heard[-1]
        bench.switch._give.send_nowait(approves(asked) or b"")
        await trio.testing.wait_all_tasks_blocked()
        later = await bench.post("/v1/payments", {**WISH, "token": token}, key="order-left")
        assert later.status_code in (201, 504) and bench.switch.money().count("0200") == 2
        listed = (await bench.get("/v1/payments")).json()["payments"]
        assert [one["status"] for one in listed] == ["captured", "captured"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "refund", "capture", "reverse"]), st.integers(0, 3), st.sampled_from([1, 40, 120])
    ),
    min_size=4,
    max_size=14,
)


@pytest.mark.parametrize("capture", ["automatic", "manual"])
@settings(max_examples=8, deadline=None)
@given(steps=STEPS, silence=st.sets(st.integers(0, 12), max_size=3))
def test_whatever_races_money_moves_once_a_key_and_never_too_much(
    tmp_path_factory: Any, capture: str, steps: list[tuple[str, int, int]], silence: set[int]
) -> None:
    """Few keys, many wishes, a switch that is silent now and then."""

    async def race() -> None:
        async with opened(tmp_path_factory.mktemp("race")) as bench:
            payment = await bench.paid(capture=capture)
            turn = iter(range(10_000))

            def now_and_then(message: Message) -> bytes | None:
                quiet = message.mti in ("0200", "0220", "0400") and next(turn) in silence
                return None if quiet else approves(message)

            bench.switch.answers = now_and_then
            wishes = [
                (f"/v1/payments/{payment['id']}/{word}", {"amount": f"{amount}.00"}, f"key-{word}-{number}")
                for word, number, amount in steps
                if word != "pay"
            ]
            told = await at_once(bench, wishes)
            by_wish: dict[str, set[str]] = {}
            for (path, body, key), answer in zip(wishes, told, strict=True):
                if answer.status_code in (200, 402, 504):
                    by_wish.setdefault(f"{path} {body} {key}", set()).add(answer.text)
            assert all(len(answers) == 1 for answers in by_wish.values())  # the same wish, the same answer
            await trio.sleep(300)
            operations = (await bench.now(payment))["operations"]

            def sum_of(kind: str) -> float:
                return sum(
                    float(one["amount"]) for one in operations if one["kind"] == kind and one["status"] == "approved"
                )

            assert sum_of("refund") <= 120 and sum_of("capture") + sum_of("reversal") <= 120
            assert {one["status"] for one in operations} <= {"approved", "reversed"}

    trio.run(race, clock=MockClock(autojump_threshold=0))
