"""Reversals, repeats and advices: one effect per transaction, whatever comes twice, late or first."""

from __future__ import annotations

from typing import Any

import pytest

from issuers.store import bank_path, read_books
from protocols import elements as de
from tests.issuers.branch import CREDIT, DEBIT, INTERNET_100, NOBODYS, Branch, Fields, Switch, repeated, said


def booked(branch: Branch, request: Fields) -> tuple[object, object]:
    """State and amount in the bank's books."""
    key = f"{request['mti'][:2]}00/{request[de.STAN]}/{request[de.TRANSMITTED_AT]}/784001"
    entry = next(entry for entry in read_books(bank_path(branch.state, branch.bank.id)) if entry["key"] == key)
    return entry["state"], entry["amount"]


async def approved(switch: Switch, **fields: Any) -> Fields:
    request = switch.request(**fields)
    assert said(await switch.ask(request)) == "00"
    return request


@pytest.mark.parametrize("mti", ["0100", "0200"])
@pytest.mark.parametrize("reversal_mti", ["0400", "0420"])
async def test_a_reversal_gives_everything_back_once(nbk: Branch, mti: str, reversal_mti: str) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, mti=mti, pan=CREDIT, amount=400_000)
        assert await switch.available(CREDIT) == 1_100_000
        reversal = switch.reversal(request, reversal_mti)
        first = await switch.ask(reversal)
        assert said(first) == "00" and first.get(de.ORIGINAL) == reversal[de.ORIGINAL]
        assert (await switch.ask(repeated(reversal))).frame == first.frame
        assert said(await switch.ask(switch.reversal(request, reversal_mti))) == "00"  # with a STAN of its own
        assert await switch.available(CREDIT) == 1_500_000
    assert booked(nbk, request) == ("reversed", 0)


async def test_a_reversal_that_comes_first_leaves_a_tombstone(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request()
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert said(await switch.ask(request)) == "94 reversed.first"
        assert await switch.available(INTERNET_100) == 100_000
    async with nbk.open() as switch:
        assert said(await switch.ask(repeated(request))) == "94 reversed.first"
    assert booked(nbk, request) == ("reversed", 0)


async def test_a_reversal_request_for_nothing_is_told_so(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request()
        assert said(await switch.ask(switch.reversal(request, "0400"))) == "25 original.unknown"
        assert said(await switch.ask(request)) == "94 reversed.first"


async def test_a_declined_purchase_is_reversed_without_effect(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(pan=CREDIT, amount=2_000_000)
        assert said(await switch.ask(request)) == "51 funds"
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await switch.available(CREDIT) == 1_500_000
    assert booked(nbk, request) == ("declined", 0)


@pytest.mark.parametrize("mti", ["0100", "0200"])
async def test_a_part_may_be_reversed_and_then_the_rest(nbk: Branch, mti: str) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, mti=mti, pan=CREDIT, amount=400_000)
        part = switch.reversal(request, de95=f"{150_000:012d}".ljust(42, "0"))
        assert said(await switch.ask(part)) == "00"
        assert await switch.available(CREDIT) == 1_350_000
        assert booked(nbk, request) == ("approved", 150_000)
        more = switch.reversal(request, de95=f"{300_000:012d}".ljust(42, "0"))  # leaves more than there is
        assert said(await switch.ask(more)) == "00"
        assert await switch.available(CREDIT) == 1_350_000
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await switch.available(CREDIT) == 1_500_000
    assert booked(nbk, request) == ("reversed", 0)


async def test_a_part_of_a_converted_purchase_is_converted_at_its_rate(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, amount=12_000, code="AED", de6="000000009984", de51="414", de10="40000832")
        await switch.ask(switch.reversal(request, de95=f"{5_000:012d}".ljust(42, "0")))
        assert booked(nbk, request) == ("approved", 4_160)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"de2": DEBIT}, "25 original.unknown"),
        ({"de41": "UAEM0002"}, "25 original.unknown"),
        ({"de49": "784"}, "12 currency.differs"),
        ({"de4": "000000012001"}, "13 amount.above_original"),
        ({"de95": f"{12_001:012d}".ljust(42, "0")}, "13 amount.above_original"),
    ],
)
async def test_a_reversal_must_fit_its_original(nbk: Branch, changes: dict[str, str], expected: str) -> None:
    async with nbk.open() as switch:
        request = await approved(switch)
        assert said(await switch.ask(switch.reversal(request, "0400", **changes))) == expected
        assert said(await switch.ask(switch.reversal(request, "0420", **changes))) == "00"  # acknowledged, no effect
        assert booked(nbk, request) == ("approved", 12_000)


async def test_an_original_is_found_without_its_institutions(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await approved(switch)
        reversal = switch.reversal(request)
        reversal[de.ORIGINAL] = reversal[de.ORIGINAL][:20] + "0" * 22
        assert said(await switch.ask(reversal)) == "00"
        assert booked(nbk, request) == ("reversed", 0)


async def test_a_reversal_overtakes_a_purchase_that_waits_for_the_hsm(nbk: Branch) -> None:
    async with nbk.open() as switch:
        nbk.hsm.is_slow = True
        request = switch.request("0200", DEBIT, 10_000, type="01", pin="1234")
        await switch.send(request)
        assert said(await switch.ask(switch.reversal(request))) == "00"
        nbk.hsm.catch_up()
        assert said(await switch.hear()) == "94 reversed.first"
        assert await switch.available(DEBIT) == 1_000_000


async def test_a_reversed_refund_is_taken_back(nbk: Branch) -> None:
    async with nbk.open() as switch:
        await approved(switch, amount=50_000)
        refund = await approved(switch, amount=30_000, type="20")
        assert await switch.available(INTERNET_100) == 80_000
        await switch.ask(switch.reversal(refund))
        assert await switch.available(INTERNET_100) == 50_000


# Repeats


async def test_the_same_request_gets_the_same_answer(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request()
        first = await switch.ask(request)
        assert (await switch.ask(repeated(request))).frame == first.frame
        assert (await switch.ask(request)).frame == first.frame
        assert await switch.available(INTERNET_100) == 88_000
    async with nbk.open() as switch:
        assert (await switch.ask(repeated(request))).frame == first.frame
        assert await switch.available(INTERNET_100) == 88_000


async def test_a_repeat_in_the_same_segment_is_a_repeat(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(amount=60_000)
        await switch.send(request, repeated(request))
        assert (await switch.hear()).frame == (await switch.hear()).frame
        assert await switch.available(INTERNET_100) == 40_000


@pytest.mark.parametrize("change", [{de.AMOUNT: "000000000001"}, {de.PAN: CREDIT}, {de.PROCESSING_CODE: "010000"}])
async def test_another_request_under_the_same_key_is_refused(nbk: Branch, change: Fields) -> None:
    async with nbk.open() as switch:
        request = await approved(switch)
        assert said(await switch.ask({**request, **change})) == "94 duplicate.differs"
        assert await switch.available(INTERNET_100) == 88_000


async def test_a_pin_is_not_tried_again_by_a_repeat(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request("0200", DEBIT, 1_000, type="01", pin="9999")
        answers = [said(await switch.ask(repeated(request))) for _ in range(5)]
        assert answers == ["55 pin.wrong"] * 5
        assert nbk.hsm.asked.count("EC") == 1


# Stand-in advices


async def test_an_advice_is_booked_once_and_unconditionally(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(amount=150_000)
        advice = switch.advice(request)
        assert said(await switch.ask(advice)) == "00"
        assert said(await switch.ask(repeated(advice))) == "00"
        assert said(await switch.ask(switch.advice(request))) == "00"
        assert booked(nbk, request) == ("approved", 150_000)
        assert await switch.purchase(amount=1) == "61 overlimit.used"  # the advice has used the permission
        answer = await switch.ask(request)  # the original comes at last: nothing new happens
        assert (said(answer), answer.approval_code) == ("00", "STAND1")
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await switch.available(INTERNET_100) == 100_000


async def test_an_original_that_we_approved_and_its_advice_are_one(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, pan=CREDIT, amount=100_000)
        assert said(await switch.ask(switch.advice(request))) == "00"
        assert await switch.available(CREDIT) == 1_400_000


async def test_an_advice_overrules_our_own_decline(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(pan=CREDIT, amount=1_600_000)
        assert said(await switch.ask(request)) == "51 funds"
        assert said(await switch.ask(switch.advice(request))) == "00"
        assert booked(nbk, request) == ("approved", 1_600_000)


async def test_an_advice_of_a_decline_has_no_effect(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(pan=CREDIT)
        assert said(await switch.ask(switch.advice(request, de39="61", de38=None))) == "00"
        assert booked(nbk, request) == ("declined", 0)


async def test_an_advice_after_its_reversal_is_never_booked(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(pan=CREDIT)
        await switch.ask(switch.reversal(request))
        assert said(await switch.ask(switch.advice(request))) == "00"
        assert await switch.available(CREDIT) == 1_500_000


async def test_an_advice_for_no_card_of_ours_goes_to_suspense(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(pan=NOBODYS)
        assert said(await switch.ask(switch.advice(request))) == "00"
        assert booked(nbk, request) == ("approved", 12_000)
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert booked(nbk, request) == ("reversed", 0)


# Completions


async def test_a_completion_posts_what_it_says_and_ends_the_hold(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, pan=CREDIT, amount=500_000)
        completion = switch.reversal(request, "0220", de4=f"{320_000:012d}")
        assert said(await switch.ask(completion)) == "00"
        assert said(await switch.ask(repeated(completion))) == "00"
        assert said(await switch.ask(switch.reversal(request, "0220"))) == "00"  # a second one changes nothing
        assert booked(nbk, request) == ("approved", 320_000)
        answer = await switch.ask(switch.request(pan=CREDIT, amount=0, type="31"))
        assert answer.get(de.ADDITIONAL_AMOUNTS) == "0001414D000000320000" + "0002414C000001180000"
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await switch.available(CREDIT) == 1_500_000


async def test_a_financial_advice_has_happened(nbk: Branch) -> None:
    async with nbk.open() as switch:
        sale = switch.request("0220", CREDIT, 40_000)
        refund = switch.request("0220", CREDIT, 10_000, type="20")
        assert [said(await switch.ask(advice)) for advice in (sale, repeated(sale), refund)] == ["00"] * 3
        assert await switch.available(CREDIT) == 1_470_000
