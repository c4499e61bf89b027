"""What a bank asks of a payment beyond card, PIN and funds: counts, velocity, parts, increases, transfers, fees."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from protocols import elements as de
from tests.issuers.branch import (
    CREDIT,
    DEBIT,
    INTERNET_100,
    INTERNET_200,
    POOR_DEBIT,
    Branch,
    Fields,
    Switch,
    nbk_with,
    repeated,
    said,
)
from tests.issuers.test_reversals import approved, booked

PART_WILL_DO = {"de48": "61011"}


def branch(state: Path, **products: Any) -> Branch:
    return Branch(nbk_with(**products), state)


async def refused(switch: Switch, **fields: Any) -> str:
    return said(await switch.ask(switch.request(**fields)))


@pytest.mark.parametrize(
    ("rules", "amounts", "expected"),
    [
        ({"per_transaction": "50.000"}, [50_000, 50_001], "61 limit.exceeded"),
        ({"spend_per_day": "50.000"}, [30_000, 20_000, 1], "61 limit.exceeded"),
        ({"payments_per_day": 2}, [1, 1, 1], "65 count.exceeded"),
        ({"payments_per_cycle": 1}, [1, 1], "65 count.exceeded"),
        ({"velocity_attempts": 2}, [1, 9_000_000, 1], "65 velocity.exceeded"),
        ({"channels": ["pos"]}, [1], "57 channel.ecommerce"),
        ({"types": ["cash"]}, [1], "57 type.purchase"),
    ],
)
async def test_a_rule_of_the_product_refuses_the_last_of_these(
    tmp_path: Path, rules: dict[str, Any], amounts: list[int], expected: str
) -> None:
    async with branch(tmp_path, classic_credit=rules).open() as switch:
        *before, last = [await refused(switch, pan=CREDIT, amount=amount) for amount in amounts]
        assert last == expected
        assert all(one in ("00", "51 funds") for one in before)


async def test_the_next_day_counts_anew_and_so_does_a_reversed_payment(tmp_path: Path) -> None:
    bank = branch(tmp_path, classic_credit={"payments_per_day": 1, "spend_per_day": "10.000"})
    async with bank.open() as switch:
        request = await approved(switch, pan=CREDIT, amount=10_000)
        assert await refused(switch, pan=CREDIT, amount=1) == "61 limit.exceeded"
        await switch.ask(switch.reversal(request))
        await approved(switch, pan=CREDIT, amount=10_000)
        bank.clock.time += timedelta(days=1)
        await approved(switch, pan=CREDIT, amount=10_000)


async def test_velocity_forgets(tmp_path: Path) -> None:
    bank = branch(tmp_path, classic_credit={"velocity_attempts": 1, "velocity_minutes": 5})
    async with bank.open() as switch:
        await approved(switch, pan=CREDIT, amount=1)
        for _ in range(3):  # being refused for this is no try, so the wait is not prolonged
            assert await refused(switch, pan=CREDIT, amount=1) == "65 velocity.exceeded"
        bank.clock.time += timedelta(minutes=5, seconds=1)
        await approved(switch, pan=CREDIT, amount=1)


async def test_the_permission_is_one_a_cycle_where_the_product_says_so_and_has_a_cap(tmp_path: Path) -> None:
    rules = {"overlimit_per": "cycle", "overlimit_cap": "10.000"}
    async with branch(tmp_path, internet_shopping=rules).open() as switch:
        assert await refused(switch, pan=INTERNET_100, amount=110_001) == "61 limit.exceeded"
        assert await refused(switch, pan=INTERNET_100, amount=110_000) == "00"
        assert await refused(switch, pan=INTERNET_100, amount=1) == "61 overlimit.used"


# A part


async def test_a_part_is_approved_where_the_whole_cannot_be(tmp_path: Path) -> None:
    bank = branch(tmp_path, debit={"partial_approval": True})
    async with bank.open() as switch:
        request = switch.request("0200", POOR_DEBIT, 40_000, **PART_WILL_DO)
        answer = await switch.ask(request)
        assert (said(answer), answer.get(de.AMOUNT)) == ("10 partial", f"{25_000:012d}")
        assert answer.get(de.ADDITIONAL_AMOUNTS) == "0057414C000000040000"
        assert await refused(switch, pan=POOR_DEBIT, amount=1, **PART_WILL_DO) == "51 funds"  # no part of nothing
        await switch.ask(switch.reversal(request))
        assert await switch.available(POOR_DEBIT) == 25_000


async def test_a_part_of_a_converted_amount_is_never_more_than_there_is(tmp_path: Path) -> None:
    async with branch(tmp_path, debit={"partial_approval": True}).open() as switch:
        answer = await switch.ask(
            switch.request(
                pan=POOR_DEBIT,
                amount=100_000,
                code="AED",
                de6=f"{83_200:012d}",
                de51="414",
                de10="40000832",
                **PART_WILL_DO,
            )
        )
        assert (answer.get(de.AMOUNT), answer.get(de.BILLING_AMOUNT)) == (f"{30_048:012d}", f"{24_999:012d}")


async def test_no_part_where_the_gateway_takes_none_or_the_product_gives_none(tmp_path: Path) -> None:
    async with branch(tmp_path, debit={"partial_approval": True}).open() as switch:
        assert await refused(switch, pan=POOR_DEBIT, amount=40_000) == "51 funds"
        assert await refused(switch, pan=CREDIT, amount=1_600_000, **PART_WILL_DO) == "51 funds"


# Pre-authorization, increase, completion


def naming(switch: Switch, request: Fields) -> str:
    return switch.reversal(request)[de.ORIGINAL]


async def preauthorized(switch: Switch, amount: int = 100_000) -> Fields:
    return await approved(switch, pan=CREDIT, amount=amount, de25="06")


async def test_a_preauthorization_holds_until_its_last_day(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await preauthorized(switch)
        nbk.clock.time += timedelta(days=30)
        assert nbk.host.sweep() == 0
        assert await switch.available(CREDIT) == 1_400_000
        nbk.clock.time += timedelta(days=1)
        assert nbk.host.sweep() == 1
        assert nbk.host.sweep() == 0
        assert await switch.available(CREDIT) == 1_500_000
        late = switch.reversal(request, "0220")  # the shop comes after all: it was promised the money
        assert said(await switch.ask(late)) == "00"
        assert await switch.available(CREDIT) == 1_400_000
    assert booked(nbk, request) == ("approved", 100_000)


async def test_an_increase_holds_more_and_goes_with_its_original(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await preauthorized(switch)
        more = switch.request(pan=CREDIT, amount=50_000, de25="06", de90=naming(switch, request))
        assert said(await switch.ask(more)) == "00"
        assert await switch.available(CREDIT) == 1_350_000
        assert said(await switch.ask(repeated(more))) == "00"
        assert said(await switch.ask(switch.reversal(request, "0220", de4=f"{140_000:012d}"))) == "00"
        assert await switch.available(CREDIT) == 1_360_000
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert await switch.available(CREDIT) == 1_500_000


async def test_an_increase_can_be_reversed_by_itself(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await preauthorized(switch)
        more = await approved(switch, pan=CREDIT, amount=50_000, de90=naming(switch, request))
        await switch.ask(switch.reversal(more))
        assert await switch.available(CREDIT) == 1_400_000


@pytest.mark.parametrize(
    ("happened", "expected"),
    [("reversed", "12 original.reversed"), ("completed", "12 original.completed"), ("never", "25 original.unknown")],
)
async def test_what_is_over_cannot_be_increased(nbk: Branch, happened: str, expected: str) -> None:
    async with nbk.open() as switch:
        request = switch.request(pan=CREDIT) if happened == "never" else await preauthorized(switch)
        if happened != "never":
            await switch.ask(switch.reversal(request, "0420" if happened == "reversed" else "0220"))
        assert await refused(switch, pan=CREDIT, amount=1, de90=naming(switch, request)) == expected


@pytest.mark.parametrize(
    ("amount", "charged", "suspense"),
    [(100_000, 100_000, 0), (60_000, 60_000, 0), (115_000, 115_000, 0), (120_000, 115_000, 5_000)],
)
async def test_a_completion_charges_up_to_the_tolerance(
    tmp_path: Path, amount: int, charged: int, suspense: int
) -> None:
    bank = branch(tmp_path, classic_credit={"capture_tolerance_percent": 15})
    async with bank.open() as switch:
        request = await preauthorized(switch)
        completion = switch.reversal(request, "0220", de4=f"{amount:012d}")
        assert said(await switch.ask(completion)) == "00"
        assert said(await switch.ask(repeated(completion))) == "00"
        assert await switch.available(CREDIT) == 1_500_000 - charged
        accounts = bank.host.store.accounts
        assert accounts["network.KWD"].posted == amount
        assert accounts["suspense.KWD"].posted == -suspense
        payments = [one["key"] for one in bank.counter().statement()]
        events = [one.kind for one in bank.host.store.events_of(payments, 9)]
        assert events == ["capture.above_hold"] * bool(suspense)
    assert booked(bank, request) == ("approved", amount)


async def test_several_completions_take_parts_and_the_last_frees_the_rest(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await preauthorized(switch)
        for part, amount, left in (("0103", 30_000, 70_000), ("0203", 20_000, 50_000)):
            told = switch.reversal(request, "0220", de4=f"{amount:012d}", de48=f"6204{part}")
            assert said(await switch.ask(told)) == "00"
            line = next(one for one in nbk.counter().statement() if one["state"] == "held")
            assert line["held"] == left
        last = switch.reversal(request, "0220", de4=f"{10_000:012d}", de48="62040303")
        assert said(await switch.ask(last)) == "00"
        assert await switch.available(CREDIT) == 1_440_000
    assert booked(nbk, request) == ("approved", 60_000)


async def test_a_completion_may_be_reversed_in_part_and_in_full(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = await preauthorized(switch)
        await switch.ask(switch.reversal(request, "0220", de4=f"{80_000:012d}"))
        part = switch.reversal(request, de95=f"{30_000:012d}".ljust(42, "0"))
        assert said(await switch.ask(part)) == "00"
        assert await switch.available(CREDIT) == 1_470_000
        assert booked(nbk, request) == ("approved", 30_000)
        for _ in range(2):
            assert said(await switch.ask(switch.reversal(request))) == "00"
            assert await switch.available(CREDIT) == 1_500_000


@pytest.mark.parametrize("had_come", [True, False])
async def test_a_completion_of_what_was_reversed_is_the_banks_loss_and_somebody_looks(
    nbk: Branch, had_come: bool
) -> None:
    """Also where the reversal came and the authorization never did."""
    async with nbk.open() as switch:
        request = await preauthorized(switch) if had_come else switch.request(pan=CREDIT, amount=100_000)
        await switch.ask(switch.reversal(request))
        assert said(await switch.ask(switch.reversal(request, "0220"))) == "00"
        assert await switch.available(CREDIT) == 1_500_000
        assert nbk.host.store.accounts["suspense.KWD"].posted == -100_000


async def test_a_completion_that_has_lost_its_original_is_found_by_its_approval_code(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request(pan=CREDIT, amount=100_000)
        answer = await switch.ask(request)
        told = switch.request("0220", CREDIT, 100_000, de38=answer.approval_code, de37=request[de.RRN])
        assert said(await switch.ask(told)) == "00"
        assert await switch.available(CREDIT) == 1_400_000  # not 1 300 000: one payment


# Other kinds


async def test_a_transfer_moves_between_accounts_of_the_bank(nbk: Branch) -> None:
    async with nbk.open() as switch:
        request = switch.request("0200", DEBIT, 100_000, type="40", de102="nbk-3001", de103="nbk-1001")
        assert said(await switch.ask(request)) == "00"
        accounts = nbk.host.store.accounts
        assert (accounts["nbk-3001"].posted, accounts["nbk-1001"].posted) == (900_000, 2_100_000)
        assert said(await switch.ask(switch.reversal(request))) == "00"
        assert (accounts["nbk-3001"].posted, accounts["nbk-1001"].posted) == (1_000_000, 2_000_000)


@pytest.mark.parametrize(
    ("accounts", "amount", "expected"),
    [
        ({"de102": "nbk-1001", "de103": "nbk-3002"}, 1, "14 account.unknown"),  # somebody else's money
        ({"de103": "nowhere"}, 1, "14 account.unknown"),
        ({"de103": "network.KWD"}, 1, "14 account.unknown"),
        ({"de103": "nbk-3001"}, 1, "14 account.unknown"),  # to itself
        ({"de103": "nbk-1001"}, 1_000_001, "51 funds"),
    ],
)
async def test_a_transfer_needs_two_good_accounts(
    nbk: Branch, accounts: dict[str, str], amount: int, expected: str
) -> None:
    async with nbk.open() as switch:
        assert await refused(switch, mti="0200", pan=DEBIT, amount=amount, type="40", **accounts) == expected


async def test_cash_back_counts_as_cash(nbk: Branch) -> None:
    async with nbk.open() as switch:

        async def cash_back(cash: int, pin: str | None = "1234") -> str:
            amounts = f"0040414D{cash:012d}"
            return await refused(switch, mti="0200", pan=DEBIT, amount=210_000, type="09", pin=pin, de54=amounts)

        assert await cash_back(200_000, pin=None) == "57 pin.missing"
        assert await cash_back(210_001) == "13 cash_back.above_amount"
        assert await cash_back(200_000) == "00"
        assert await cash_back(150_000) == "61 limit.exceeded"  # 300.000 of cash a day
        assert await cash_back(100_000) == "00"


@pytest.mark.parametrize(
    ("type", "available"), [("26", 1_020_000), ("28", 1_020_000), ("10", 980_000), ("50", 980_000)]
)
async def test_credit_deposit_funding_and_bill_payment_move_money(nbk: Branch, type: str, available: int) -> None:
    async with nbk.open() as switch:
        request = await approved(switch, mti="0200", pan=DEBIT, amount=20_000, type=type)
        assert await switch.available(DEBIT) == available
        await switch.ask(switch.reversal(request))
        assert await switch.available(DEBIT) == 1_000_000


async def test_an_account_verification_costs_nothing(nbk: Branch) -> None:
    async with nbk.open() as switch:
        assert await refused(switch, pan=INTERNET_200, amount=0, type="38") == "00"
        assert await switch.available(INTERNET_200) == 200_000


async def test_fees_stand_beside_the_amount_and_come_back_with_it(tmp_path: Path) -> None:
    bank = branch(tmp_path, debit={"cash_fee": "0.500", "foreign_fee_percent": "2.5"})
    async with bank.open() as switch:
        cash = await approved(switch, mti="0200", pan=DEBIT, amount=10_000, type="01", pin="1234")
        assert await switch.available(DEBIT) == 989_500
        abroad = await approved(
            switch, pan=DEBIT, amount=12_000, code="AED", de6=f"{9_984:012d}", de51="414", de10="40000832"
        )
        assert await switch.available(DEBIT) == 989_500 - 9_984 - 249
        assert said(await switch.ask(switch.reversal(abroad, "0220"))) == "00"
        assert bank.host.store.accounts["fees.KWD"].posted == 749
        assert booked(bank, cash) == ("approved", 10_000)  # the network knows nothing of fees
        for request in (cash, abroad):
            await switch.ask(switch.reversal(request))
        assert bank.host.store.accounts["fees.KWD"].posted == 0
        assert await switch.available(DEBIT) == 1_000_000


# Time, and what is let go


async def test_an_answer_is_kept_a_day_and_then_the_request_is_too_old(nbk: Branch) -> None:
    async with nbk.open() as switch:
        paid = await approved(switch, mti="0200", pan=CREDIT, amount=1_000)
        held = await approved(switch, mti="0100", pan=CREDIT, amount=1_000)
        nbk.clock.time += timedelta(hours=23)
        nbk.host.sweep()
        assert said(await switch.ask(repeated(paid))) == "00"
        nbk.clock.time += timedelta(hours=2)
        nbk.host.sweep()
        assert said(await switch.ask(repeated(paid))) == "94 duplicate.old"
        assert said(await switch.ask(repeated(held))) == "00"  # its money is not settled: it is still known
        assert await switch.available(CREDIT) == 1_498_000


# Racing


async def test_two_purchases_race_for_the_last_dinar_and_one_wins(nbk: Branch) -> None:
    async with nbk.open() as switch:
        await approved(switch, mti="0200", pan=POOR_DEBIT, amount=24_000)
        both = [switch.request("0200", POOR_DEBIT, 1_000) for _ in range(2)]
        await switch.send(*both)
        assert sorted([said(await switch.hear()), said(await switch.hear())]) == ["00", "51 funds"]
        assert await switch.available(POOR_DEBIT) == 0
