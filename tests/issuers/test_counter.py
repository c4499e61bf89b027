"""The bank's counter: what a holder does, what the next payment hears, and what testers have a bank do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trio

from issuers import admin
from issuers.store import bank_path
from issuers.teller import TellerRefusedError
from protocols import elements as de
from protocols.runtime.exits import FatalError, UnavailableError
from tests.issuers.branch import CREDIT, DEBIT, INTERNET_100, Branch, nbk_with, repeated, said
from tests.issuers.test_reversals import approved

HOLDER = "Fatma Al-Sabah"  # of nbk-1001, behind the first two internet cards
OTHER = "Khalid Al-Hamad"


async def test_a_holder_chooses_a_limit_that_is_offered_and_the_payment_passes(nbk: Branch) -> None:
    async with nbk.open() as switch:
        counter = nbk.counter(HOLDER)
        assert await switch.purchase(INTERNET_100, 110_000) == "00"  # over it, once
        assert await switch.purchase(INTERNET_100, 50_000) == "61 overlimit.used"
        with pytest.raises(TellerRefusedError, match="not offered"):
            counter.set_limit(INTERNET_100, "150.000")
        counter.set_limit(INTERNET_100, "200.000")
        assert await switch.purchase(INTERNET_100, 50_000) == "00"
        card = counter.cards()[0]
        assert (card["limit"], card["left"], card["overlimit_used"]) == (200_000, 40_000, 1)
        assert [one["kind"] for one in counter.events()] == ["limit.set"]


async def test_a_frozen_card_is_declined_until_it_is_thawed(nbk: Branch) -> None:
    async with nbk.open() as switch:
        counter = nbk.counter(HOLDER)
        counter.freeze(INTERNET_100)
        assert await switch.purchase(INTERNET_100) == "62 card.frozen"
        counter.unfreeze(INTERNET_100)
        assert await switch.purchase(INTERNET_100) == "00"
        declined = counter.statement()
        assert [one["reason_text"] for one in declined if one["state"] == "declined"] == [
            "The cardholder has frozen the card."
        ]


async def test_a_holder_does_not_thaw_what_the_bank_has_blocked(nbk: Branch) -> None:
    async with nbk.open():
        nbk.counter().set_state(INTERNET_100, "blocked")
        for act in ("freeze", "unfreeze"):
            with pytest.raises(TellerRefusedError, match="blocked"):
                getattr(nbk.counter(HOLDER), act)(INTERNET_100)
        with pytest.raises(TellerRefusedError, match="Only the bank"):
            nbk.counter(HOLDER).set_state(INTERNET_100, "active")


async def test_what_is_anothers_does_not_exist(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, pan=INTERNET_100)
        other = nbk.counter(OTHER)
        payment = nbk.counter(HOLDER).statement()[0]["key"]
        tries: list[Any] = [
            lambda: other.freeze(INTERNET_100),
            lambda: other.set_limit(INTERNET_100, "200.000"),
            lambda: other.transfer("nbk-1001", "nbk-3001", "1.000"),
            lambda: other.pay_card(INTERNET_100, "nbk-3001", "1.000"),
            lambda: other.cancel_hold(payment),
            lambda: other.dispute(payment, "not me"),
            lambda: other.entries("nbk-1001"),
            lambda: other.entries("network.KWD"),
            lambda: other.close_day(),
            lambda: other.script("close"),
        ]
        for attempt in tries:
            with pytest.raises(TellerRefusedError):
                attempt()
        assert (other.statement(), len(other.accounts()), request["mti"]) == ([], 1, "0100")
        assert await switch.available(INTERNET_100) == 88_000


async def test_money_moves_between_own_accounts_and_pays_a_card(tmp_path: Path) -> None:
    own = {"id": "nbk-2001-current", "holder": "Ahmad Al-Mutairi", "opening": "300.000"}
    accounts = [one.model_dump(exclude_none=True) for one in nbk_with().accounts]
    bank = Branch(nbk_with(bank={"accounts": [*accounts, own]}), tmp_path)
    async with bank.open() as switch:
        counter = bank.counter("Ahmad Al-Mutairi")
        await approved(switch, mti="0200", pan=CREDIT, amount=200_000)
        counter.pay_card(CREDIT, "nbk-2001-current", "150.000")
        assert await switch.available(CREDIT) == 1_450_000
        with pytest.raises(TellerRefusedError, match="not enough"):
            counter.transfer("nbk-2001-current", "nbk-2001", "150.001")
        counter.transfer("nbk-2001-current", "nbk-2001", "50.000", "savings")
        assert [one["amount"] for one in counter.entries("nbk-2001")] == [50_000, 150_000, -200_000]
        assert len(counter.statement()) == 1  # own money is in the entries, payments are in the statement


async def test_a_cancelled_hold_frees_the_money_and_the_shop_may_still_come(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, pan=CREDIT, amount=100_000)
        counter = nbk.counter("Ahmad Al-Mutairi")
        [payment] = counter.statement()
        assert (payment["state"], payment["held"]) == ("held", 100_000)
        counter.cancel_hold(payment["key"])
        assert await switch.available(CREDIT) == 1_500_000
        with pytest.raises(TellerRefusedError, match="Nothing is set aside"):
            counter.cancel_hold(payment["key"])
        assert said(await switch.ask(switch.reversal(request, "0220"))) == "00"
        assert await switch.available(CREDIT) == 1_400_000


async def test_a_disputed_payment_is_credited_once(nbk: Branch) -> None:
    async with nbk.open() as switch:
        await approved(switch, mti="0200", pan=CREDIT, amount=100_000)
        counter = nbk.counter("Ahmad Al-Mutairi")
        [payment] = counter.statement()
        counter.dispute(payment["key"], "I never bought this")
        assert await switch.available(CREDIT) == 1_500_000
        assert nbk.host.store.accounts["disputes.KWD"].posted == -100_000
        with pytest.raises(TellerRefusedError, match="already"):
            counter.dispute(payment["key"], "again")
        assert counter.statement()[0]["disputed"] == "I never bought this"


# One-time numbers


async def test_a_virtual_number_pays_once_at_its_shop_against_the_cards_own_limit(nbk: Branch) -> None:
    async with nbk.open() as switch:
        counter = nbk.counter(HOLDER)
        number = await counter.number(INTERNET_100, merchant="UAEMALL00000001", amount="60.000")
        pan = number["pan"]

        async def pays(amount: int, **others: str) -> str:
            return said(await switch.ask(switch.request(pan=pan, amount=amount, expiry=number["expiry"], **others)))

        assert await pays(10_000, de42="14M000000000001") == "57 virtual.merchant"
        assert await pays(60_001) == "61 limit.exceeded"
        request = switch.request(pan=pan, amount=60_000, expiry=number["expiry"])
        assert said(await switch.ask(request)) == "00"
        assert await pays(1) == "62 virtual.used"
        assert await switch.available(INTERNET_100) == 40_000
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await switch.available(INTERNET_100) == 100_000
        assert await pays(50_000) == "00"  # the one payment was cancelled, so it is good for another
        assert counter.cards()[0]["virtual_numbers"][0]["state"] == "used"
        content = b"".join(file.read_bytes() for file in nbk.state.rglob("*") if file.is_file())
        assert pan.encode() not in content


async def test_a_number_dies_with_its_card_and_can_be_ended(nbk: Branch) -> None:
    async with nbk.open() as switch:
        counter = nbk.counter(HOLDER)
        first, second = [await counter.number(INTERNET_100, amount="5.000") for _ in range(2)]
        counter.freeze(INTERNET_100)
        assert await switch.purchase(first["pan"], 1_000) == "62 card.frozen"
        counter.unfreeze(INTERNET_100)
        counter.end_number(second["token"])
        assert await switch.purchase(second["pan"], 1_000) == "62 virtual.used"
        assert await switch.purchase(first["pan"], 1_000) == "00"
        with pytest.raises(TellerRefusedError, match="which shop"):
            await counter.number(INTERNET_100)


# The bank's own time


async def test_closing_a_cycle_starts_the_limits_anew(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await switch.purchase(INTERNET_100, 100_000) == "00"
        nbk.counter().close_cycle()
        assert await switch.available(INTERNET_100) == 100_000
        assert await switch.purchase(INTERNET_100, 90_000) == "00"
    async with nbk.open() as switch:  # it stays closed
        assert await switch.available(INTERNET_100) == 10_000


async def test_closing_days_makes_the_day_new_and_brings_holds_to_their_end(nbk: Branch) -> None:
    async with nbk.open() as switch:
        for _ in range(5):
            await approved(switch, mti="0200", pan=DEBIT, amount=1_000, type="01", pin="1234")
        held = await approved(switch, pan=CREDIT, amount=1_000)
        draw = switch.request("0200", DEBIT, 1_000, type="01", pin="1234")
        assert said(await switch.ask(draw)) == "65 count.exceeded"
        assert nbk.counter().close_day()["holds_expired"] == 0
        await approved(switch, mti="0200", pan=DEBIT, amount=1_000, type="01", pin="1234")
        closed = [nbk.counter().close_day()["holds_expired"] for _ in range(7)]
        assert closed == [0] * 6 + [1] and held
        assert await switch.available(CREDIT) == 1_500_000


# Scripts


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"doing": "decline", "code": "91"}, ["91 issuer.down"]),
        ({"doing": "decline", "code": "59", "reason": "fraud.suspected", "card": "0017"}, ["59 fraud.suspected"]),
        ({"doing": "double", "amount": "12.000"}, ["00", "00"]),
        ({"doing": "silence", "merchant": "UAEMALL00000001"}, []),
        ({"doing": "decline", "amount": "12.001"}, ["00"]),  # is not about this one
        ({"doing": "decline", "type": "01"}, ["00"]),
    ],
)
async def test_a_bank_does_as_its_script_says(nbk: Branch, script: dict[str, Any], expected: list[str]) -> None:
    async with nbk.open() as switch:
        nbk.counter().script(**script)
        await switch.send(switch.request())
        echo = {"mti": "0800", de.TRANSMITTED_AT: "0314090000", de.STAN: "999999", de.NETWORK_MANAGEMENT_CODE: "301"}
        await switch.send(echo)
        heard = []
        while (answer := await switch.hear()).mti != "0810":
            heard.append(said(answer))
        assert heard == expected


async def test_a_scripted_silence_is_booked_and_its_reversal_finds_it(nbk: Branch) -> None:
    async with nbk.open() as switch:
        nbk.counter().script("silence", times=1)
        request = switch.request()
        await switch.send(request)
        assert await switch.available(INTERNET_100) == 88_000
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await switch.available(INTERNET_100) == 100_000
        assert await switch.purchase() == "00"  # it is worn out


async def test_delay_wrong_garbage_and_close(nbk: Branch, autojump_clock: trio.testing.MockClock) -> None:
    async with nbk.open() as switch:
        counter = nbk.counter()
        number = counter.script("delay", after_s=3, times=1)["number"]
        began = trio.current_time()
        assert await switch.purchase() == "00"
        assert trio.current_time() - began >= 3 and counter.scripts() == [] and number == 1
        counter.script("wrong", times=1)
        request = switch.request(amount=1)
        await switch.send(request)
        assert (await switch.hear()).stan != request[de.STAN]
        counter.script("close")
        await switch.send(switch.request(amount=2))
        with pytest.raises(trio.EndOfChannel):
            await switch.hear()


async def test_a_repeat_of_a_scripted_decline_hears_the_same(nbk: Branch) -> None:
    async with nbk.open() as switch:
        counter = nbk.counter()
        counter.script("decline", code="05", times=1)
        request = switch.request()
        assert said(await switch.ask(request)) == "05 do.not.honour"
        assert said(await switch.ask(repeated(request))) == "05 do.not.honour"
        assert await switch.purchase() == "00"
        with pytest.raises(TellerRefusedError, match="do:"):
            counter.script("explode")


# The socket


async def test_orders_come_over_the_socket_and_news_go_out(nbk: Branch) -> None:
    async with nbk.open() as switch, trio.open_nursery() as nursery:
        path = admin.socket_path(bank_path(nbk.state, "nbk"))
        await nursery.start(admin.serve_admin, nbk.host, path)
        assert path.stat().st_mode & 0o777 == 0o600

        async def ask(**order: Any) -> Any:
            return await trio.to_thread.run_sync(lambda: admin.ask(path, **order))

        watching = await trio.open_unix_socket(str(path))
        await watching.send_all(b'{"do": "watch"}\n')
        assert await watching.receive_some() == b'{"ok": "news"}\n'
        await ask(do="freeze", holder=HOLDER, card=INTERNET_100)
        assert await watching.receive_some() == b'{"ok": "news"}\n'
        assert await switch.purchase() == "62 card.frozen"
        with pytest.raises(FatalError, match="no such card"):
            await ask(do="freeze", holder=OTHER, card=INTERNET_100)
        for wrong in ({"do": "explode"}, {"do": "freeze"}, {"do": "_act"}):
            with pytest.raises(FatalError):
                await ask(**wrong)
        with pytest.raises(FatalError, match="set_limit takes card, limit"):
            await ask(do="set_limit", card=INTERNET_100)
        assert (await ask(do="cards", holder=HOLDER))[0]["masked"] == "941410******0017"
        await watching.aclose()
        nursery.cancel_scope.cancel()
    with pytest.raises(UnavailableError):
        admin.ask(path, do="holders")


async def test_a_day_is_the_banks_and_not_utc(nbk: Branch) -> None:
    async with nbk.open():
        nbk.clock.time += timedelta(hours=12)  # 21:00 UTC, midnight in Kuwait
        assert nbk.host.moment().day == "2027-03-15"
