"""The sandbox answers by the amount, and its books can be audited like any bank's."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from issuers.amounts import AmountRule, Do, Manner, wish_of
from issuers.bank import load_bank
from issuers.store import bank_path, read_books
from protocols import elements as de
from protocols.errors import FormatError
from tests.issuers.branch import TESTERS, Branch, Fields, Switch, repeated, said

TABLE = load_bank(None, "sandbox").amounts


def request(switch: Switch, amount: int, **others: Any) -> Fields:
    return switch.request(pan=TESTERS, amount=amount, code="AED", **others)


def books(branch: Branch) -> dict[str, tuple[object, object, object]]:
    entries = read_books(bank_path(branch.state, "sandbox"))
    return {str(entry["key"])[5:11]: (entry["state"], entry["amount"], entry["currency"]) for entry in entries}


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (5_000, "00"),
        (990_099, "00"),
        (1_051, "51 funds"),
        (77_1005, "05 do.not.honour"),
        (1_991, "91 issuer.down"),
        (1_000, "00"),
        (1_010, "00"),
        (4_500, "00"),  # in full: the request takes no partial approval
    ],
)
async def test_the_amount_decides(sandbox: Branch, amount: int, expected: str) -> None:
    async with sandbox.open() as switch:
        assert said(await switch.ask(request(switch, amount, expiry="0001", pin="0000"))) == expected
    state = "approved" if expected == "00" else "declined"
    assert books(sandbox) == {"000001": (state, amount if expected == "00" else 0, "AED")}


async def test_a_slow_answer_holds_up_nobody(sandbox: Branch, autojump_clock: trio.testing.MockClock) -> None:
    async with sandbox.open() as switch:
        began = trio.current_time()
        await switch.send(request(switch, 2_150), request(switch, 5_000))
        assert (await switch.hear()).stan == "000002"
        assert trio.current_time() == began
        assert (await switch.hear()).stan == "000001"
        assert trio.current_time() - began == pytest.approx(1.5)


async def test_silence_is_booked_and_can_be_reversed(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        silent = request(switch, 3_000)
        await switch.send(silent, repeated(silent))
        assert said(await switch.ask(request(switch, 5_000))) == "00"
        assert books(sandbox)["000001"] == ("approved", 3_000, "AED")
        assert said(await switch.ask(switch.reversal(silent))) == "00"
    assert books(sandbox) == {"000001": ("reversed", 0, "AED"), "000002": ("approved", 5_000, "AED")}


async def test_an_answer_can_come_twice(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        await switch.send(request(switch, 3_001))
        assert (await switch.hear()).frame == (await switch.hear()).frame
    assert books(sandbox)["000001"] == ("approved", 3_001, "AED")


async def test_an_answer_can_have_a_wrong_stan(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        await switch.send(request(switch, 3_002))
        assert (await switch.hear()).stan == "500001"


async def test_an_answer_can_be_garbage(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        await switch.send(request(switch, 3_003))
        with pytest.raises(FormatError):
            await switch.hear()


async def test_the_link_can_be_closed(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        await switch.send(request(switch, 5_000), request(switch, 3_004), request(switch, 5_000))
        assert said(await switch.hear()) == "00"
        with pytest.raises(trio.EndOfChannel):
            await switch.hear()
    assert len(books(sandbox)) == 3


async def test_a_part_is_approved_for_who_takes_parts(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        sent = request(switch, 4_250, de48="61011")
        answer = await switch.ask(sent)
        assert (said(answer), answer.amount) == ("10 partial", 1_062)
        assert answer.get(de.ADDITIONAL_AMOUNTS) == "0057784C000000004250"
        assert books(sandbox)["000001"] == ("approved", 1_062, "AED")
        assert said(await switch.ask(switch.reversal(sent))) == "00"
    assert books(sandbox)["000001"] == ("reversed", 0, "AED")


async def test_a_balance_and_a_verification_are_answered(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        answer = await switch.ask(request(switch, 0, type="31"))
        assert answer.get(de.ADDITIONAL_AMOUNTS) == "0002784C000000100000"
        assert said(await switch.ask(request(switch, 0, type="38"))) == "00"
        assert said(await switch.ask(request(switch, 5_000, type="99"))) == "12 type.unknown"


async def test_an_advice_is_booked(sandbox: Branch) -> None:
    async with sandbox.open() as switch:
        advice = switch.advice(request(switch, 1_051))
        assert [said(await switch.ask(message)) for message in (advice, repeated(advice))] == ["00", "00"]
    assert books(sandbox) == {"000001": ("approved", 1_051, "AED")}


def test_the_first_row_that_fits_counts() -> None:
    table = (AmountRule(digits="3000", do=Do.NEVER), AmountRule(digits="3XXX", do=Do.DELAY))
    assert wish_of(table, 3_000).manner == Manner(copies=0)
    assert wish_of(table, 3_001).manner == Manner(delay_s=0.01)


@pytest.mark.parametrize("amount", range(100))
def test_round_amounts_are_plain_approvals(amount: int) -> None:
    wish = wish_of(TABLE, 120_000 + amount)
    assert wish.decline_with is None and wish.manner == Manner() and wish.thousandths == 1000
