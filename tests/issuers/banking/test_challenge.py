"""The access control server: asked by a gateway, answered with a code, proved once."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from issuers import cavv
from protocols.three_d_secure import ARes, CReq, RRes, Status, packed
from tests.issuers.banking.visitor import Office, Visitor, office_over
from tests.issuers.branch import INTERNET_100, LOST, Branch, Switch, nbk_with, said
from tests.issuers.real_hsm import CVK, ZPK, RealHsm

CREDIT = "9414200000000015"
KEY = {"authorization": "Bearer acs_test_comtrust_nobodys_key"}
SERVER_ID = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
BACK = "https://pay.test/pay/page/back"


def areq(pan: str = INTERNET_100, amount: int = 12_000, currency: str = "414", **more: str) -> dict[str, Any]:
    """What a gateway asks, every default visible."""
    return {
        "messageType": "AReq",
        "messageVersion": "2.2.0",
        "messageCategory": "01",
        "deviceChannel": "02",
        "threeDSServerTransID": SERVER_ID,
        "acctNumber": pan,
        "cardExpiryDate": "2912",
        "purchaseAmount": str(amount),
        "purchaseCurrency": currency,
        "acquirerBIN": "784001",
        "acquirerMerchantID": "UAEMALL00000001",
        "mcc": "5732",
        "merchantName": "uaemall.com",
        "notificationURL": BACK,
        **more,
    }


class Bank:
    """The bank's pages, its switch, and its HSM."""

    def __init__(self, office: Office, switch: Switch, hsm: RealHsm, visitor: Visitor) -> None:
        self.office, self.switch, self.hsm, self.visitor = office, switch, hsm, visitor

    async def asks(self, **more: Any) -> ARes:
        answer = await self.visitor.client.post("/acs/areq", content=json.dumps(areq(**more)), headers=KEY)
        assert answer.status_code == 200, answer.text
        return ARes.model_validate_json(answer.text)

    async def opens(self, ares: ARes) -> None:
        """The browser, sent to the bank."""
        creq = packed(CReq(server_id=SERVER_ID, acs_id=ares.acs_id))
        await self.visitor.visit(f"{urlsplit(ares.acs_url or '').path}?creq={creq}")

    def code(self) -> str:
        (waiting,) = self.office.site.access_control.codes_for("Fatma Al-Sabah")
        return waiting.code

    async def types(self, ares: ARes, **form: str) -> Any:
        path = f"/acs/challenge/{ares.acs_id}"
        return await self.visitor.client.post(path, data=form, follow_redirects=False)

    async def fetches(self, ares: ARes, **headers: str) -> Any:
        rreq = {"messageType": "RReq", "threeDSServerTransID": SERVER_ID, "acsTransID": ares.acs_id}
        return await self.visitor.client.post("/acs/rreq", content=json.dumps(rreq), headers=headers or KEY)

    async def result(self, ares: ARes) -> RRes:
        return RRes.model_validate_json((await self.fetches(ares)).text)

    async def confirmed(self, **more: Any) -> RRes:
        """A challenge, answered as it should be."""
        ares = await self.asks(**more)
        assert ares.status is Status.CHALLENGE
        await self.types(ares, code=self.code())
        return await self.result(ares)

    async def pays(self, value: str | None, eci: str = "05", amount: int = 12_000, **more: Any) -> str:
        parts = f"4202{eci}" + (f"43{len(value):02d}{value}" if value else "")
        return said(await self.switch.ask(self.switch.request("0200", amount=amount, de48=parts, **more)))


@asynccontextmanager
async def opened(path: Path, **products: Any) -> AsyncIterator[Bank]:
    hsm = RealHsm()
    branch = Branch(nbk_with(keys={"cavk": CVK}, **products), path, hsm, zpk=ZPK)
    async with branch.open() as switch:
        office = office_over(branch)
        async with office.visitor() as visitor:
            yield Bank(office, switch, hsm, visitor)


async def test_a_holder_types_the_code_and_the_payment_passes_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        ares = await bank.asks()
        assert (ares.status, ares.value) == (Status.CHALLENGE, None)
        await bank.opens(ares)
        assert "12.000" in bank.visitor.page and "uaemall.com" in bank.visitor.page
        assert bank.code() not in bank.visitor.page and INTERNET_100 not in bank.visitor.page
        assert "form-action 'self' https://pay.test;" in bank.visitor.last.headers["content-security-policy"]
        back = await bank.types(ares, code=bank.code())
        where = urlsplit(back.headers["location"])
        assert back.status_code == 303 and back.headers["location"].startswith(BACK) and "cres" in parse_qs(where.query)
        rres = await bank.result(ares)
        assert (rres.status, rres.indicator) == (Status.AUTHENTICATED, "05")
        assert await bank.pays(rres.value) == "00"
        assert await bank.pays(rres.value) == "63 cavv.replayed"


async def test_the_code_stands_in_the_holders_own_inbox_and_nowhere_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        ares = await bank.asks()
        code = bank.code()
        assert code not in repr(bank.office.site.access_control.find(ares.acs_id)) and code not in ares.json_text
        for user, sees in (("fatma", True), ("mariam", False)):
            async with bank.office.visitor() as visitor:
                await visitor.sign_in(user)
                assert (code in (await visitor.visit("/inbox")).text) is sees
        await bank.types(ares, code=code)
        async with bank.office.visitor() as visitor:
            await visitor.sign_in()
            assert code not in (await visitor.visit("/inbox")).text


async def test_after_three_wrong_codes_the_right_one_is_worth_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        ares, right = await bank.asks(), bank.code()
        wrong = f"{(int(right) + 1) % 1_000_000:06d}"
        told = [(await bank.types(ares, code=wrong)).status_code for _ in range(3)]
        assert told == [422, 422, 303]
        await bank.types(ares, code=right)
        assert ((rres := await bank.result(ares)).status, rres.value) == (Status.NOT_AUTHENTICATED, None)


async def test_a_holder_who_does_not_want_to_is_not_authenticated(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        ares = await bank.asks()
        assert (await bank.types(ares, do="cancel")).status_code == 303
        assert (await bank.result(ares)).status is Status.NOT_AUTHENTICATED
        assert (await bank.fetches(ares)).status_code == 404  # a result is fetched once


async def test_a_shop_where_the_card_has_paid_and_a_small_amount_need_no_code(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        assert await bank.pays((await bank.confirmed()).value) == "00"
        small, large = await bank.asks(amount=24_999), await bank.asks(amount=25_000)
        assert (small.status, small.indicator, large.status) == (Status.AUTHENTICATED, "05", Status.CHALLENGE)
        assert await bank.pays(small.value, amount=24_999) == "00"


async def test_a_proof_is_good_for_the_payment_it_was_made_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        value = (await bank.confirmed()).value
        assert await bank.pays(value, amount=12_001) == "63 cavv.differs"
        assert await bank.pays(value, de42="14M000000000001") == "63 cavv.differs"
        parts = cavv.read(value or "")
        assert parts is not None
        spoilt = cavv.write(parts._replace(value=f"{(int(parts.value) + 1) % 1000:03d}"))
        assert await bank.pays(spoilt) == "63 cavv.mismatch"
        assert await bank.pays(value) == "00"  # what was refused has not used it up


async def test_who_cannot_be_asked_is_attempted_and_may_not_claim_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        bank.office.site.access_control._asked.clear()  # nobody has online banking
        ares = await bank.asks()
        assert (ares.status, ares.indicator) == (Status.ATTEMPTED, "06")
        assert await bank.pays(ares.value, eci="05") == "63 cavv.mismatch"
        assert await bank.pays(ares.value, eci="06") == "00"


@pytest.mark.parametrize(
    ("pan", "status"),
    [(LOST, Status.REJECTED), ("9414300000000013", Status.UNAVAILABLE), ("9414100000000991", Status.UNAVAILABLE)],
)
async def test_lost_cards_are_rejected_and_cards_that_take_no_part_unavailable(
    tmp_path: Path, pan: str, status: Status
) -> None:
    async with opened(tmp_path) as bank:
        ares = await bank.asks(pan=pan)
        assert (ares.status, ares.indicator, ares.value) == (status, "07", None)


async def test_a_product_may_demand_a_proof(tmp_path: Path) -> None:
    async with opened(tmp_path, internet_shopping={"demands": ["cavv"]}) as bank:
        assert await bank.pays(None, eci="07") == "63 cavv.missing"
        assert await bank.pays((await bank.confirmed()).value) == "00"


async def test_a_replay_is_known_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        value = (await bank.confirmed()).value
        assert await bank.pays(value) == "00"
    async with opened(tmp_path) as bank:
        bank.switch.stans = iter(range(900, 999))
        assert await bank.pays(value) == "63 cavv.replayed"


async def test_only_gateways_that_are_known_may_ask(tmp_path: Path) -> None:
    async with opened(tmp_path) as bank:
        for key in ({}, {"authorization": "Bearer somebody"}):
            told = await bank.visitor.client.post("/acs/areq", content=json.dumps(areq()), headers=key)
            assert told.status_code == 403
        ares = await bank.asks()
        assert (await bank.fetches(ares, authorization="Bearer x")).status_code == 403
        for body in (
            "",
            "{}",
            json.dumps(areq(pan="1")),
            json.dumps(areq(notificationURL="https://a.b/;'")),
        ):
            told = await bank.visitor.client.post("/acs/areq", content=body, headers=KEY)
            assert told.status_code == 400 and not re.search(r"\d{12}", told.text)


async def test_no_log_has_a_code_a_proof_or_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with opened(tmp_path) as bank:
        ares = await bank.asks()
        code = bank.code()
        await bank.opens(ares)
        await bank.types(ares, code="x")
        await bank.types(ares, code=code)
        rres = await bank.result(ares)
        assert await bank.pays(rres.value) == "00"
        assert rres.value is not None and rres.value not in repr(rres) and INTERNET_100 not in repr(ares)
    said = capsys.readouterr()
    for secret in (code, rres.value, INTERNET_100):
        assert secret not in said.out + said.err
    for path in sorted(tmp_path.rglob("*")):  # noqa: ASYNC240
        assert not path.is_file() or INTERNET_100.encode() not in path.read_bytes()
