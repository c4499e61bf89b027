"""Reconciliation: 0500 and 0520 answered with the switch's own totals, and whether they agree with the asker's."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from protocols import elements as de
from switch.ends import Side
from switch.totals import SPOKEN, Account, Figures, Kind, Totals, kind_of
from tests.switch.desk import DEBIT_CARD, Desk

ASKS = {"transmitted_at": "1118230000", "stan": "000900", "currency": "784"}


def a_day(desk: Desk) -> tuple[int, int]:
    """Two purchases, one of them taken back in part, a refund, and an authorization."""
    issuer, shop = desk.issuer(), desk.gateway()
    for number, changes in enumerate(({}, {"amount": "000000003000"}, {"processing_code": "200000"}), 1):
        asked = desk.asks(shop, "0200", stan=f"{number:06d}", **changes)
        desk.answers(issuer, desk.hears(issuer))
        desk.hears(shop)
        if number == 1:
            asked["mti"] = "0200"
            desk.reverses(shop, asked, replacement_amounts="000000004000" + "0" * 12 + "C00000000" * 2)
            desk.hears(shop)
            desk.answers(issuer, desk.hears(issuer))
    desk.asks(shop, stan="000004")
    desk.answers(issuer, desk.hears(issuer))
    desk.hears(shop)
    desk.asks(shop, stan="000005")
    desk.answers(issuer, desk.hears(issuer), "51")
    desk.hears(shop)
    return issuer, shop


TOTALS = {
    de.DEBITS_NUMBER: "0000000002",
    de.DEBITS_AMOUNT: "0000000000013000",
    de.DEBITS_REVERSAL_NUMBER: "0000000001",
    de.DEBITS_REVERSAL_AMOUNT: "0000000000006000",
    de.CREDITS_NUMBER: "0000000001",
    de.CREDITS_AMOUNT: "0000000000010000",
    de.AUTHORIZATIONS_NUMBER: "0000000001",
    de.NET_SETTLEMENT_AMOUNT: "C0000000000003000",
}


def test_whoever_counted_nothing_hears_our_totals() -> None:
    desk = Desk()
    _, shop = a_day(desk)
    desk.says(shop, "0500", **ASKS)
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code) == ("0510", "00")
    assert {number: answer.get(number) for number in TOTALS} == TOTALS
    assert answer.get(de.SETTLEMENT_DATE) == "1118"


def test_an_issuer_hears_its_own_side_of_it() -> None:
    desk = Desk()
    issuer, _ = a_day(desk)
    desk.says(issuer, "0500", **ASKS)
    answer = desk.hears(issuer)
    assert (answer.mti, answer.get(de.NET_SETTLEMENT_AMOUNT)) == ("0510", "C0000000000003000")


def test_in_balance_and_out_of_it() -> None:
    desk = Desk()
    _, shop = a_day(desk)
    agreeing = {"debits_amount": "0000000000013000", "net_settlement_amount": "C0000000000003000"}
    desk.says(shop, "0500", **ASKS, **agreeing)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.get(de.SETTLEMENT_CODE)) == ("00", "1")

    desk.says(shop, "0500", **{**ASKS, "stan": "000901"}, debits_amount="0000000000013001")
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason, answer.get(de.SETTLEMENT_CODE)) == ("95", "totals.differ", "2")
    assert answer.get(de.DEBITS_AMOUNT) == "0000000000013000"


def test_an_advice_that_is_out_of_balance_is_acknowledged_and_told() -> None:
    desk = Desk()
    _, shop = a_day(desk)
    desk.says(shop, "0520", **ASKS, debits_number="0000000009")
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code, answer.get(de.SETTLEMENT_CODE)) == ("0530", "00", "2")
    assert any(event.name == "advice.contradicts" for event in desk.events)


def test_another_day_and_another_currency_have_totals_of_their_own() -> None:
    desk = Desk()
    _, shop = a_day(desk)
    desk.says(shop, "0500", **ASKS, settlement_date="1117")
    assert desk.hears(shop).get(de.DEBITS_NUMBER) == "0000000000"
    desk.says(shop, "0500", **{**ASKS, "stan": "000901", "currency": "414"})
    assert desk.hears(shop).get(de.NET_SETTLEMENT_AMOUNT) == "C0000000000000000"


def test_without_a_currency_or_a_day_that_exists_it_is_a_format_error() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.says(shop, "0500", **{**ASKS, "currency": None})
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("30", "missing.de50")


def test_a_repeat_hears_the_same_totals_again() -> None:
    desk = Desk()
    issuer, shop = a_day(desk)
    desk.says(shop, "0500", **ASKS)
    first = desk.hears(shop)
    desk.asks(shop, "0200", stan="000010")
    desk.answers(issuer, desk.hears(issuer))
    desk.hears(shop)
    desk.says(shop, "0500", **ASKS)
    assert dict(desk.hears(shop).items()) == dict(first.items())


def test_an_approval_nobody_heard_weighs_nothing() -> None:
    desk = Desk(commits=False)
    desk.commits = True
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop, "0200")
    request = desk.hears(issuer)
    desk.hangs_up(shop)
    desk.answers(issuer, request)
    other = desk.gateway()
    desk.says(other, "0500", **ASKS)
    answer = desk.hears(other)
    assert answer.get(de.DEBITS_NUMBER) == answer.get(de.DEBITS_REVERSAL_NUMBER) == "0000000001"
    assert answer.get(de.NET_SETTLEMENT_AMOUNT) == "C0000000000000000"


def test_issuers_are_counted_in_the_holders_currency() -> None:
    desk = Desk()
    bank, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, "0200", pan=DEBIT_CARD, amount="000000012000")
    request = desk.hears(bank)
    billed = request.get(de.BILLING_AMOUNT)
    assert billed is not None
    desk.answers(bank, request)
    assert desk.hears(shop).response_code == "00"
    totals = Totals()
    for record in desk.records():
        totals.take(record)
    theirs = totals.of(Account("nbk", Side.ISSUER, date(2026, 11, 18), "414")).elements()
    assert theirs[de.DEBITS_AMOUNT] == f"{int(billed):016d}"
    ours = totals.of(Account("lab", Side.GATEWAY, date(2026, 11, 18), "784")).elements()
    assert ours[de.DEBITS_AMOUNT] == "0000000000012000"


@given(st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 10**6), st.booleans())))
def test_the_net_is_what_the_sums_come_to(counted: list[tuple[Kind, int, bool]]) -> None:
    figures, net = Figures(), 0
    for kind, amount, reversal in counted:
        figures.add(kind, amount, reversal=reversal)
        sign = {Kind.CREDIT: 1, Kind.DEBIT: -1}.get(kind, 0)
        net += sign * amount * (-1 if reversal else 1)
    said = figures.elements()
    assert set(said) == set(SPOKEN)
    assert said[de.NET_SETTLEMENT_AMOUNT] == f"{'D' if net < 0 else 'C'}{abs(net):016d}"


def test_an_administrative_message_is_acknowledged_and_moves_nothing() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    for mti, answer in (("0600", "0610"), ("0620", "0630")):
        for end in (issuer, shop):
            desk.says(end, mti, stan="000000", transmitted_at="1118110640", response_code="30", reason="call 4111")
            heard = desk.hears(end)
            assert (heard.mti, heard.response_code) == (answer, "00")
    told = [event.facts for event in desk.events if event.name == "administrative.received"]
    assert {(fact["response_code"], fact["slug"]) for fact in told} == {("30", None)}
    assert kind_of("2", "500000") is Kind.DEBIT
    assert not desk.records()[1:]


def test_network_management_advices_are_heard_and_not_answered() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.says(shop, "0820", stan="000001", transmitted_at="1118110640", network_management_code="201")
    assert desk.silent(shop)
    assert [event.facts["code"] for event in desk.events if event.name == "management.advice"] == ["201"]
