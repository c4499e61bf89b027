"""A shop takes payments: register, page, finalize; by token; capture, reverse, refund; the truth about silence."""

from __future__ import annotations

from pathlib import Path

import trio
from trio.testing import MockClock

from protocols import elements as de
from protocols import subelements
from tests.acquirers.store_api.bench import OTHER, approves, declines, mute, opened, silent


async def test_a_buyer_pays_on_the_page_and_the_shop_finalizes(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        payment = await bench.registered(order_reference="A-17", return_url="https://shop.test/thanks?a=1")
        assert (payment["status"], payment["captured_amount"]) == ("registered", "0.00")
        answer = await bench.typed(payment)
        assert answer.status_code == 303
        page = await bench.client.get(answer.headers["location"])
        assert "payment is made" in page.text and f"payment={payment['id']}" in page.text
        told = await bench.post(f"/v1/payments/{payment['id']}/finalize")
        assert told.json()["status"] == "captured" and told.json()["captured_amount"] == "120.00"
        assert told.json()["operations"][0]["approval_code"] == "A1B2C3"
        await trio.sleep(3600)
        assert bench.switch.money() == ["0200"]


async def test_the_number_goes_to_the_switch_and_nowhere_else(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        payment = await bench.paid(store_card=True)
        (sale,) = [one for one in bench.switch.heard if one.mti == "0200"]
        assert sale.get(de.PAN) == "9414100000000017"
        assert subelements.parse(sale.get(de.PRIVATE_DATA) or "")["92"] == "731"
        assert payment["card"] == {"masked": "941410******0017", "expiry": "2912"}
    for path in sorted(tmp_path.iterdir()):  # noqa: ASYNC240
        assert b"9414100000000017" not in path.read_bytes() and b"9203731" not in path.read_bytes()


async def test_three_decimals_of_dinars_are_three_decimals(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        payment = await bench.paid("12.500", "KWD")
        (sale,) = [one for one in bench.switch.heard if one.mti == "0200"]
        assert (sale.get(de.AMOUNT), sale.get(de.CURRENCY), payment["amount"]) == ("000000012500", "414", "12.500")
        refused = await bench.post("/v1/payments", {"amount": "12.505", "currency": "AED"})
        assert (refused.status_code, refused.json()["slug"]) == (422, "amount.invalid")
        refused = await bench.post("/v1/payments", {"amount": 12.5, "currency": "AED"})
        assert (refused.status_code, refused.json()["slug"]) == (422, "request.invalid")


async def test_a_decline_carries_the_code_and_the_reason_and_another_card_may_be_tried(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path, declines) as bench:
        payment = await bench.paid(store_card=True)
        assert (payment["status"], payment["operations"][0]["reason"]) == ("declined", "funds")
        bench.switch.answers = approves
        await bench.typed(payment)
        assert (await bench.now(payment))["status"] == "captured"


async def test_a_decline_by_token_is_a_problem_with_de_39(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        token = (await bench.paid(store_card=True))["token"]
        bench.switch.answers = declines
        told = await bench.post("/v1/payments", {"amount": "9.00", "currency": "AED", "token": token})
        assert told.status_code == 402 and told.headers["content-type"] == "application/problem+json"
        assert (told.json()["response_code"], told.json()["reason"]) == ("51", "funds")
        assert told.json()["payment"]["status"] == "declined"


async def test_the_fourth_card_on_a_page_is_not_asked_about(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path, declines) as bench:
        payment = await bench.registered()
        for _ in range(5):
            await bench.typed(payment)
        assert bench.switch.money() == ["0200"] * 3


async def test_a_stored_card_is_charged_by_token_only_by_its_own_shop_and_forgotten_on_request(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        token = (await bench.paid(store_card=True))["token"]
        wish = {"amount": "5.00", "currency": "AED", "token": token, "channel": "recurring"}
        told = await bench.post("/v1/payments", wish)
        assert (told.status_code, told.json()["status"]) == (201, "captured")
        charged = bench.switch.heard[-1]
        assert (charged.get(de.POS_ENTRY_MODE), charged.get(de.PRIVATE_DATA)) == ("102", None)
        assert (await bench.post("/v1/payments", wish, api_key=OTHER)).json()["slug"] == "token.unknown"
        assert (await bench.delete(f"/v1/tokens/{token}")).status_code == 204
        assert (await bench.post("/v1/payments", wish)).json()["slug"] == "token.unknown"


async def test_a_card_that_nobody_offered_to_store_has_no_token(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        payment = await bench.registered()
        await bench.typed(payment, store="1")
        assert "token" not in await bench.now(payment)


async def test_a_held_amount_is_captured_in_parts_and_never_beyond(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        payment = await bench.paid(capture="manual")
        assert payment["status"] == "authorized" and bench.switch.money() == ["0100"]
        path = f"/v1/payments/{payment['id']}/capture"
        first = await bench.post(path, {"amount": "50.00", "part": 1, "parts": 2})
        assert (first.json()["status"], first.json()["captured_amount"]) == ("partially_captured", "50.00")
        capture = bench.switch.heard[-1]
        assert capture.mti == "0220" and subelements.parse(capture.get(de.PRIVATE_DATA) or "") == {"62": "0102"}
        assert (await bench.post(path, {"amount": "70.01", "part": 2, "parts": 2})).json()["slug"] == (
            "amount.above_authorized"
        )
        last = await bench.post(path, {"part": 2, "parts": 2})
        assert (last.json()["status"], last.json()["captured_amount"]) == ("captured", "120.00")


async def test_refunds_never_exceed_what_was_paid(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        path = f"/v1/payments/{(await bench.paid())['id']}/refund"
        assert (await bench.post(path, {"amount": "100.00"})).json()["status"] == "partially_refunded"
        assert (await bench.post(path, {"amount": "20.01"})).json()["slug"] == "amount.above_captured"
        assert (await bench.post(path)).json()["status"] == "refunded"
        assert (await bench.post(path, {"amount": "0.01"})).json()["slug"] == "amount.above_captured"
        assert [one.get(de.PROCESSING_CODE) for one in bench.switch.heard[-2:]] == ["200000", "200000"]


async def test_a_payment_is_reversed_whole_and_a_held_one_in_part(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        paid, held = await bench.paid(), await bench.paid(capture="manual")
        assert (await bench.post(f"/v1/payments/{paid['id']}/reverse")).json()["status"] == "reversed"
        assert (await bench.post(f"/v1/payments/{paid['id']}/refund")).json()["slug"] == "payment.state"
        part = await bench.post(f"/v1/payments/{held['id']}/reverse", {"amount": "20.00"})
        assert part.json()["status"] == "authorized"
        assert (bench.switch.heard[-1].get(de.REPLACEMENT_AMOUNTS) or "").startswith("000000010000")
        over = await bench.post(f"/v1/payments/{held['id']}/capture", {"amount": "100.01"})
        assert over.json()["slug"] == "amount.above_authorized"


async def test_silence_is_told_as_unknown_and_reversed_and_never_sent_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        token = (await bench.paid(store_card=True))["token"]
        bench.switch.answers = mute
        told = await bench.post("/v1/payments", {"amount": "7.00", "currency": "AED", "token": token})
        assert (told.status_code, told.json()["slug"]) == (504, "outcome.unknown")
        payment = told.json()["payment"]
        assert payment["status"] == "unknown" and "being reversed" in payment["message"]
        bench.switch.answers = silent
        await trio.sleep(60)
        assert (await bench.now(payment))["status"] == "reversed"
        sales = [
            one for one in bench.switch.heard if one.mti in ("0200", "0201") and one.get(de.AMOUNT) == f"{700:012d}"
        ]
        assert len(sales) == 1 and {"0420", "0421"} <= set(bench.switch.money())


async def test_a_capture_that_nobody_answers_is_told_until_it_arrives(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        payment = await bench.paid(capture="manual")
        bench.switch.answers = mute
        told = await bench.post(f"/v1/payments/{payment['id']}/capture")
        assert told.json()["slug"] == "outcome.unknown"
        bench.switch.answers = approves
        await trio.sleep(60)
        assert (await bench.now(payment))["operations"][-1]["status"] == "approved"
        assert "0221" in bench.switch.money() and "0420" not in bench.switch.money()


async def test_without_a_link_nothing_is_sent_and_the_key_may_be_used_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        payment = await bench.paid()
        bench.switch.hang_up()
        await trio.testing.wait_all_tasks_blocked()
        told = await bench.post(f"/v1/payments/{payment['id']}/refund", key="refund-0001")
        assert (told.status_code, told.json()["slug"]) == (503, "switch.unreachable")
        told = await bench.post(f"/v1/payments/{payment['id']}/refund", {"amount": "1.00"}, key="refund-0001")
        assert told.json()["slug"] == "switch.unreachable"


async def test_a_page_that_nobody_comes_to_expires_and_what_the_shop_never_heard_of_is_reversed(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        bench.nursery.start_soon(bench.desk.watch_deadlines)
        lonely, unheard, heard = await bench.registered(), await bench.paid(), await bench.paid()
        await bench.post(f"/v1/payments/{heard['id']}/finalize")
        await trio.sleep(1801)
        states = [(await bench.now(one))["status"] for one in (lonely, unheard, heard)]
        assert states == ["expired", "reversed", "captured"]
        assert (await bench.typed(lonely)).status_code == 303
        assert (await bench.now(lonely))["status"] == "expired"


async def test_kill_9_forgets_neither_a_payment_nor_a_reversal_that_is_owed(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path) as bench:
        paid = await bench.paid(store_card=True)
        bench.switch.answers = mute
        in_doubt = await bench.post(
            "/v1/payments", {"amount": "7.00", "currency": "AED", "token": paid["token"]}, key="in-doubt"
        )
        wish = {"amount": "8.00", "currency": "AED", "token": paid["token"]}
        bench.nursery.start_soon(lambda: bench.post("/v1/payments", wish, key="cut-off-1"))
        while len(bench.switch.money()) < 4:  # noqa: ASYNC110 - two sales, a reversal, and what is cut off
            await trio.sleep(0.1)
    async with opened(tmp_path) as bench:
        assert (await bench.now(paid))["status"] == "captured"
        await trio.sleep(30)
        again = await bench.post("/v1/payments", wish, key="cut-off-1")
        assert (again.status_code, again.json()["slug"]) == (504, "outcome.unknown")
        assert (await bench.now(again.json()["payment"]))["status"] == "reversed"
        assert (await bench.now(in_doubt.json()["payment"]))["status"] == "reversed"
        assert sorted(bench.switch.money()) == ["0420", "0421"]  # the second was never heard of before
