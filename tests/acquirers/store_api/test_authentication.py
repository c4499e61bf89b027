"""3-D Secure at the hosted page: what the bank says of the holder reaches the switch; its silence holds up nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from acquirers.web_client import NoAnswerError, WebAnswer
from protocols import elements as de
from protocols import subelements
from tests.acquirers.store_api.bench import BANK, BASE, Bench, opened

CAVV = "AAIBBRQSNAAAAAAAAAAAAAAAAAA="
DIRECTORY = "d" * 20
DONE = {"transStatus": "Y", "eci": "05", "authenticationValue": CAVV}


@dataclass
class Bank:
    """An access control server by script: what it says to AReq and to RReq; None is silence."""

    first: dict[str, Any] | None = field(default_factory=lambda: dict(DONE))
    later: dict[str, Any] | None = field(default_factory=lambda: dict(DONE))
    heard: list[dict[str, Any]] = field(default_factory=list)
    pause_s: float = 0.0

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
        asked = json.loads(body)
        self.heard.append(asked)
        assert url == f"{BANK}/acs/{asked['messageType'].lower()}" and headers["Authorization"] == "Bearer key-of-ours"
        await trio.sleep(self.pause_s)
        said = self.first if asked["messageType"] == "AReq" else self.later
        if said is None:
            raise NoAnswerError("silence")
        ids = {"acsTransID": "a" * 20, "dsTransID": DIRECTORY, "threeDSServerTransID": asked["threeDSServerTransID"]}
        return WebAnswer(
            200, json.dumps({"messageType": asked["messageType"].replace("Req", "Res"), **ids, **said}).encode()
        )


def challenging(**more: Any) -> Bank:
    return Bank({"transStatus": "C", "acsURL": f"{BANK}/acs/challenge"}, **more)


def proofs(bench: Bench) -> dict[str, str]:
    """DE 48 of the sale, as the switch has it."""
    (sale,) = [one for one in bench.switch.heard if one.mti == "0200"]
    return subelements.parse(sale.get(de.PRIVATE_DATA) or "")


async def test_what_a_bank_proves_at_once_goes_to_the_switch(tmp_path: Path, autojump_clock: MockClock) -> None:
    bank = Bank()
    async with opened(tmp_path, bank=bank) as bench:
        payment = await bench.paid("12.500", "KWD")
        assert (payment["status"], payment["operations"][0]["eci"]) == ("captured", "05")
        said = proofs(bench)
        assert (said["42"], said["43"], said["66"]) == ("05", CAVV, f"2.2.0{DIRECTORY}")
        (areq,) = bank.heard
        assert (areq["purchaseAmount"], areq["purchaseCurrency"], areq["mcc"]) == ("12500", "414", "5732")
        assert (areq["acquirerMerchantID"], areq["cardExpiryDate"]) == ("UAEMALL00000001", "2912")


@pytest.mark.parametrize(
    ("said", "indicator"),
    [
        ({"transStatus": "A", "eci": "06", "authenticationValue": CAVV}, "06"),
        ({"transStatus": "U"}, "07"),
        ({"transStatus": "?"}, "07"),
        ({"transStatus": "C", "acsURL": "https://elsewhere.test/acs"}, "07"),  # buyers are not sent to strangers
        (None, "07"),
    ],
)
async def test_an_attempt_and_a_bank_that_says_nothing_are_told_as_they_are(
    tmp_path: Path, said: dict[str, Any] | None, indicator: str, autojump_clock: MockClock
) -> None:
    async with opened(tmp_path, bank=Bank(said)) as bench:
        assert (await bench.paid())["status"] == "captured"
        assert proofs(bench)["42"] == indicator and ("43" in proofs(bench)) is (indicator == "06")


@pytest.mark.parametrize("letter", ["N", "R"])
async def test_after_a_no_nobody_is_asked_for_money(tmp_path: Path, letter: str, autojump_clock: MockClock) -> None:
    async with opened(tmp_path, bank=Bank({"transStatus": letter})) as bench:
        payment = await bench.paid()
        assert (payment["status"], payment["operations"][0]["reason"]) == ("declined", "authentication.failed")
        assert bench.switch.money() == []
        for _ in range(4):
            await bench.typed(payment)
        assert len((await bench.now(payment))["operations"]) == 3  # and whoever tries cards is stopped


async def test_a_challenge_sends_the_buyer_to_the_bank_and_the_result_is_asked_without_the_browser(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    bank = challenging()
    async with opened(tmp_path, bank=bank) as bench:
        payment = await bench.registered()
        sent = await bench.typed(payment)
        assert sent.status_code == 303 and sent.headers["location"].startswith(f"{BANK}/acs/challenge?creq=")
        assert f"form-action 'self' {BANK}" in sent.headers["content-security-policy"]
        assert bench.switch.money() == [] and "9414" not in sent.headers["location"]
        path = payment["page_url"].removeprefix(BASE)
        assert "Continue at your bank" in (await bench.client.get(path)).text
        assert bank.heard[0]["notificationURL"] == f"{BASE}{path}/back"
        back = await bench.client.get(f"{path}/back?cres=believed-by-nobody")
        assert back.status_code == 303
        assert (await bench.now(payment))["status"] == "captured" and proofs(bench)["42"] == "05"
        await bench.client.get(f"{path}/back")  # the browser's back button
        assert bench.switch.money() == ["0200"] and [one["messageType"] for one in bank.heard] == ["AReq", "RReq"]


@pytest.mark.parametrize(
    ("said", "status", "money"),
    [({"transStatus": "N"}, "declined", []), (None, "captured", ["0200"])],
    ids=["refused", "silent"],
)
async def test_what_the_bank_says_afterwards_counts(
    tmp_path: Path, said: dict[str, Any] | None, status: str, money: list[str], autojump_clock: MockClock
) -> None:
    async with opened(tmp_path, bank=challenging(later=said)) as bench:
        payment = await bench.registered()
        await bench.typed(payment)
        await bench.client.get(payment["page_url"].removeprefix(BASE) + "/back")
        assert ((await bench.now(payment))["status"], bench.switch.money()) == (status, money)


async def test_a_card_that_waits_for_its_holder_is_in_no_file(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path, bank=challenging()) as bench:
        payment = await bench.registered()
        await bench.typed(payment, code="7319")
        for path in sorted(tmp_path.iterdir()):  # noqa: ASYNC240
            assert b"9414100000000017" not in path.read_bytes() and b"7319" not in path.read_bytes()
    async with opened(tmp_path, bank=challenging()) as bench:  # so after a restart it is typed again
        page = await bench.client.get(payment["page_url"].removeprefix(BASE) + "/back", follow_redirects=True)
        assert 'name="number"' in page.text


async def test_another_card_or_none_lets_the_first_one_go(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path, bank=challenging()) as bench:
        payment = await bench.registered()
        path = payment["page_url"].removeprefix(BASE)
        for word, expected in (("another", "registered"), ("cancel", "cancelled")):
            await bench.typed(payment)
            await bench.client.post(path, data={"do": word})
            await bench.client.get(f"{path}/back")
            assert (await bench.now(payment))["status"] == expected
        assert bench.switch.money() == []


async def test_a_double_click_asks_and_pays_once(tmp_path: Path, autojump_clock: MockClock) -> None:
    bank = Bank(pause_s=2.0)
    async with opened(tmp_path, bank=bank) as bench:
        payment = await bench.registered()
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(bench.typed, payment)
        assert len(bank.heard) == 1 and bench.switch.money() == ["0200"]


async def test_telephone_orders_ask_no_holder(tmp_path: Path, autojump_clock: MockClock) -> None:
    bank = Bank()
    async with opened(tmp_path, bank=bank) as bench:
        await bench.paid(channel="moto")
        assert bank.heard == [] and bench.switch.money() == ["0200"]


async def test_no_log_has_a_card_a_proof_or_an_address_of_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    async with opened(tmp_path, bank=challenging()) as bench:
        payment = await bench.registered()
        page = payment["page_url"].removeprefix(BASE)
        waiting = await bench.typed(payment)
        await bench.client.get(f"{page}/back")
    said = capsys.readouterr()
    creq = waiting.headers["location"].partition("creq=")[2]
    for secret in ("9414100000000017", CAVV, page, creq, "key-of-ours"):
        assert secret not in said.out + said.err
