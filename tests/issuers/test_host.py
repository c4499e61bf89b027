"""Conversations with a bank's host: purchases, limits, PINs, network management, bad frames."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from issuers.store import bank_path, read_books
from protocols import elements as de
from protocols.participant import SignOn
from tests.issuers.branch import (
    BLOCKED,
    CREDIT,
    DEBIT,
    EXPIRED,
    INTERNET_100,
    LOST,
    NOBODYS,
    OVERLIMIT_USED,
    POOR_DEBIT,
    STOLEN,
    Branch,
    Switch,
    frame_of,
    repeated,
    said,
)


async def test_a_purchase_is_approved_and_sets_money_aside(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(amount=12_000)
        answer = await switch.ask(request)
        assert said(answer) == "00"
        assert len(answer.approval_code or "") == 6
        echoed = (de.PAN, de.PROCESSING_CODE, de.AMOUNT, de.TRANSMITTED_AT, de.RRN, de.TERMINAL_ID, de.CURRENCY)
        assert [answer.get(number) for number in echoed] == [request[number] for number in echoed]
        assert de.EXPIRY not in answer and de.PIN_BLOCK not in answer
        assert await switch.available(INTERNET_100) == 88_000


async def test_the_billing_amount_is_what_counts(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(amount=12_000, code="AED", de6="000000009984", de51="414", de10="40000832")
        assert said(await switch.ask(request)) == "00"
        assert await switch.available(INTERNET_100) == 90_016
    assert nbk_books(nbk)[0] == {
        "key": "0100/000001/0314090000/784001",
        "state": "approved",
        "amount": 9_984,
        "currency": "KWD",
    }


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (NOBODYS, "14 card.unknown"),
        (LOST, "41 card.lost"),
        (STOLEN, "43 card.stolen"),
        (BLOCKED, "62 card.blocked"),
        (EXPIRED, "54 card.expired"),
    ],
)
async def test_a_card_that_cannot_pay_says_why(nbk: Branch, card: str, expected: str) -> None:
    async with nbk.open() as switch:
        assert await switch.purchase(card, expiry=None) == expected


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ({"expiry": "2911"}, "54 expiry.differs"),
        ({"type": "99"}, "12 type.unknown"),
        ({"amount": 0}, "13 amount.zero"),
        ({"code": "AED"}, "12 currency.differs"),
        ({"de49": "999"}, "12 currency.unknown"),
        ({"pan": CREDIT, "amount": 1_500_001}, "51 funds"),
        ({"pan": CREDIT, "amount": 1_500_000}, "00"),
    ],
)
async def test_a_request_that_cannot_be_met_says_why(
    nbk: Branch, request_fields: dict[str, Any], expected: str
) -> None:
    async with nbk.open() as switch:
        assert await switch.purchase(**request_fields) == expected


async def test_a_card_is_good_to_the_last_day_of_its_month(nbk: Branch) -> None:
    nbk.clock.time = nbk.clock.time.replace(year=2029, month=12, day=31)
    async with nbk.open() as switch:
        assert await switch.purchase() == "00"
        nbk.clock.time += timedelta(hours=13)  # it is January in Kuwait
        assert await switch.purchase() == "54 card.expired"


# The internet card's limit


async def test_the_limit_may_be_exceeded_once_in_the_cards_life(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await switch.purchase(amount=100_000) == "00"
        assert await switch.purchase(amount=1) == "00"
        assert await switch.purchase(amount=1) == "61 overlimit.used"
        nbk.clock.time += timedelta(days=30)  # the next cycle: the limit is new, the permission is not
        assert await switch.purchase(amount=100_000) == "00"
        assert await switch.purchase(amount=1) == "61 overlimit.used"


async def test_a_card_that_has_been_over_its_limit_stays_within_it(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await switch.purchase(OVERLIMIT_USED, 1) == "61 overlimit.used"


async def test_a_limit_without_permission_to_exceed_it_holds(nbk: Branch) -> None:
    product = nbk.bank.products["internet-shopping"].model_copy(update={"overlimit_allowance": 0})
    nbk.bank = nbk.bank.model_copy(update={"products": {**nbk.bank.products, "internet-shopping": product}})
    async with nbk.open() as switch:
        assert await switch.purchase(amount=100_001) == "61 limit.exceeded"


async def test_the_permission_comes_back_when_its_purchase_is_cancelled(nbk: Branch) -> None:
    async with nbk.open() as switch:
        over = switch.request(amount=150_000)
        assert said(await switch.ask(over)) == "00"
        assert await switch.purchase(amount=1) == "61 overlimit.used"
        assert said(await switch.ask(switch.reversal(over))) == "00"
        assert await switch.purchase(amount=100_000) == "00"
        assert await switch.purchase(amount=1) == "00"


async def test_a_refund_makes_room_under_the_limit(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await switch.purchase(amount=80_000) == "00"
        assert await switch.purchase(amount=80_000, type="20") == "00"
        assert await switch.available(INTERNET_100) == 100_000


# Inquiries


async def test_a_balance_inquiry_says_what_is_posted_and_what_may_be_spent(nbk: Branch) -> None:
    async with nbk.open() as switch:
        await switch.purchase(CREDIT, 200_000)
        await switch.purchase(CREDIT, 100_000, mti="0200")
        answer = await switch.ask(switch.request(pan=CREDIT, amount=0, type="31"))
        assert answer.get(de.ADDITIONAL_AMOUNTS) == "0001414D000000100000" + "0002414C000001200000"


async def test_a_card_is_verified_without_a_payment(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await switch.purchase(amount=0, type="38") == "00"
        assert await switch.purchase(LOST, amount=0, type="38") == "41 card.lost"


# Cash and PINs


async def cash(switch: Switch, amount: int = 10_000, pin: str | None = "1234", pan: str = DEBIT) -> str:
    return await switch.purchase(pan, amount, mti="0200", type="01", pin=pin)


async def test_cash_needs_a_pin(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await cash(switch, pin=None) == "57 pin.missing"
        assert await cash(switch) == "00"


async def test_the_third_wrong_pin_is_the_last(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert [await cash(switch, pin="9999") for _ in range(4)] == [
            "55 pin.wrong",
            "55 pin.wrong",
            "75 pin.tries",
            "75 pin.tries",
        ]
        assert await cash(switch, pin="1234") == "75 pin.tries"
        assert nbk.hsm.asked.count("EC") == 3
    async with nbk.open() as switch:
        assert await cash(switch, pin="1234") == "75 pin.tries"


async def test_a_right_pin_clears_the_count(nbk: Branch) -> None:
    async with nbk.open() as switch:
        for pin in ("9999", "9999", "1234", "9999", "9999", "1234"):
            assert await cash(switch, 1_000, pin) == ("00" if pin == "1234" else "55 pin.wrong")


async def test_tries_are_counted_before_the_hsm_is_asked(nbk: Branch) -> None:
    async with nbk.open() as switch:
        nbk.hsm.is_slow = True
        guesses = [switch.request("0200", DEBIT, 1_000, type="01", pin=pin) for pin in ("9998", "9997", "9996", "9995")]
        await switch.send(*guesses)
        assert said(await switch.hear()) == "75 pin.tries"  # the fourth, while three are at the HSM
        assert len(nbk.hsm.waiting) == 3
    async with nbk.open() as switch:  # the process died before the HSM answered
        assert await cash(switch, pin="1234") == "75 pin.tries"


async def test_nobody_waits_for_another_ones_pin(nbk: Branch) -> None:
    async with nbk.open() as switch:
        nbk.hsm.is_slow = True
        slow = switch.request("0200", DEBIT, 10_000, type="01", pin="1234")
        await switch.send(slow)
        assert await switch.purchase() == "00"
        await switch.send(repeated(slow))
        assert await switch.purchase() == "00"  # the repeat was read before this, and waits
        nbk.hsm.catch_up()
        first, second = await switch.hear(), await switch.hear()
        assert first.frame == second.frame and said(first) == "00"
        assert await switch.available(DEBIT) == 990_000


async def test_without_the_hsm_only_pins_are_declined(nbk: Branch) -> None:
    async with nbk.open() as switch:
        nbk.hsm.is_down = True
        assert [await cash(switch) for _ in range(4)] == ["96 hsm.down"] * 4
        assert await switch.purchase() == "00"
        nbk.hsm.is_down = False
        assert await cash(switch) == "00"


async def test_a_bank_begins_without_its_hsm(nbk: Branch, autojump_clock: object) -> None:
    nbk.hsm.is_down = True
    async with nbk.open(wait_for_pvvs=False) as switch:
        assert await cash(switch) == "96 hsm.down"
        assert await switch.purchase() == "00"
    nbk.hsm.is_down = False
    async with nbk.open() as switch:
        assert await cash(switch) == "00"


async def test_cash_is_limited_by_the_day_in_amount_and_number(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await cash(switch, 300_001) == "61 limit.exceeded"
        assert await cash(switch, 290_000) == "00"
        assert await cash(switch, 10_001) == "61 limit.exceeded"
        assert [await cash(switch, 1_000) for _ in range(5)] == ["00"] * 4 + ["65 count.exceeded"]
        nbk.clock.time += timedelta(days=1)
        assert await cash(switch, 300_000) == "00"
        assert await cash(switch, 10_000, pan=POOR_DEBIT) == "00"
        assert await cash(switch, 16_000, pan=POOR_DEBIT) == "51 funds"


async def test_a_reversed_withdrawal_does_not_count(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request("0200", DEBIT, 300_000, type="01", pin="1234")
        assert said(await switch.ask(request)) == "00"
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await cash(switch, 300_000) == "00"


# Links


async def test_network_management_is_answered(nbk: Branch) -> None:
    async with nbk.open() as switch:
        for code, expected in (("001", "00"), ("301", "00"), ("002", "00"), ("999", "12 management.unknown")):
            answer = await switch.ask({"mti": "0800", 7: "0314090000", 11: "000001", 70: code})
            assert (answer.mti, said(answer), answer.network_management_code) == ("0810", expected, code)


async def test_a_bank_may_insist_on_a_sign_on(nbk: Branch) -> None:
    nbk.bank = nbk.bank.model_copy(update={"sign_on": SignOn.REQUIRED})
    async with nbk.open() as switch:
        request = switch.request()
        assert said(await switch.ask(request)) == "58 link.not_signed_on"
        await switch.ask({"mti": "0800", 7: "0314090000", 11: "000001", 70: "001"})
        assert said(await switch.ask(request)) == "00"


async def test_many_frames_of_one_segment_are_answered_in_order(nbk: Branch) -> None:
    async with nbk.open() as switch:
        requests = [switch.request(amount=10_000) for _ in range(15)]
        await switch.send(*requests)
        answers = [await switch.hear() for _ in requests]
        assert [answer.stan for answer in answers] == [request[de.STAN] for request in requests]
        assert [said(answer) for answer in answers] == ["00"] * 11 + ["61 overlimit.used"] * 4


async def test_a_broken_element_is_named(nbk: Branch) -> None:
    async with nbk.open() as switch:
        frame = frame_of(switch.request()).replace(b"000000012000", b"00000001200X")
        await switch.send(frame)
        answer = await switch.hear()
        assert (answer.mti, said(answer), answer.stan) == ("0110", "30 format.de4", "000001")
        assert said(await switch.ask(switch.request(de49=None))) == "30 missing.de49"
        assert await switch.purchase() == "00"


async def test_what_cannot_be_answered_is_not_and_too_much_of_it_closes_the_link(nbk: Branch) -> None:
    async with nbk.open() as switch:
        stray = switch.request("0110", de39="00", expiry=None)
        await switch.send(stray, b"0")
        assert await switch.purchase() == "00"
        await switch.send(*[b"?"] * 10)
        assert await switch.stream.receive_some() == b""


async def test_an_unknown_request_is_declined(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert said(await switch.ask({"mti": "0600", 7: "0314090000", 11: "000001"})) == "12 type.unknown"


async def test_a_mistake_of_ours_declines(nbk: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    async with nbk.open() as switch:
        monkeypatch.setitem(nbk.bank.__dict__, "limits", {})  # no decision can be made
        assert await switch.purchase() == "96 switch.error"
        monkeypatch.undo()
        assert await switch.purchase() == "00"
    assert len(nbk_books(nbk)) == 1


def nbk_books(branch: Branch) -> list[dict[str, object]]:
    return read_books(bank_path(branch.state, branch.bank.id))
