"""Requests, repeats, reversals and completions, read back as the switch would read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquirers.house import load_house
from acquirers.points_of_sale import POINTS_OF_SALE
from acquirers.transaction import (
    KINDS,
    Order,
    Place,
    Request,
    Stamp,
    balances,
    make_completion,
    make_network_management,
    make_repeat,
    make_request,
    make_reversal,
    read_answer,
)
from protocols import codes, subelements
from protocols import elements as de
from protocols.channel import Channel, channel_of
from protocols.message import Message
from protocols.money import Amount, currency
from protocols.original import Original
from protocols.pan import Pan, check_digit
from tests.acquirers.making import AT, CARD, DIALECT, answer, approval, house, order, place, purchase, read, stamp

HOUSES = {name: load_house(name) for name in ("comtrust", "nbd", "ebi", "nbk", "lab")}

pans = st.text("0123456789", min_size=12, max_size=18).map(lambda payload: Pan(payload + check_digit(payload)))
stamps = st.builds(
    Stamp,
    st.integers(1, 999_999).map(lambda number: f"{number:06d}"),
    st.integers(946_684_800, 4_070_908_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@st.composite
def sales(draw: st.DrawFn) -> tuple[Request, Place, Order]:
    """Any order, at any place that any gateway sends for."""
    of = draw(st.sampled_from(list(HOUSES.values())))
    merchant = draw(st.sampled_from(list(of.merchants.values())))
    where = Place(
        merchant, draw(st.sampled_from(merchant.terminals)), draw(st.sampled_from(list(POINTS_OF_SALE.values())))
    )
    money = currency(draw(st.sampled_from(merchant.currencies)))
    wanted = Order(
        kind=draw(st.sampled_from(list(KINDS.values()))),
        pan=draw(pans),
        amount=Amount(draw(st.integers(0, 10**12 - 1)), money),
        expiry=draw(st.none() | st.sampled_from(["2912", "3001"])),
        pin=draw(st.none() | st.text("0123456789", min_size=4, max_size=12)) if of.pin_pad else None,
        card_verification_code=draw(st.none() | st.text("0123456789", min_size=3, max_size=4)),
        sub_merchant=draw(st.none() | st.sampled_from([sub.id for sub in merchant.sub_merchant] or ["NONE"])),
        message=draw(st.sampled_from([None, "0100", "0200"])),
    )
    return make_request(wanted, where, of, draw(stamps)), where, wanted


def channel(message: Message) -> Channel:
    indicators = subelements.parse(message.private_data or "")
    return channel_of(
        message.processing_code,
        message.merchant_type,
        message.pos_entry_mode,
        message.pos_condition_code,
        indicators.get(subelements.ELECTRONIC_COMMERCE_INDICATOR),
    )


@given(sales())
def test_every_request_of_every_point_of_sale_reads_as_it_was_made(sale: tuple[Request, Place, Order]) -> None:
    request, _, wanted = sale
    message = read(request)
    assert message.mti == request.mti
    assert dict(message.items()) == dict(request.values)
    assert message.pan == wanted.pan and message.amount == wanted.amount.minor
    assert len(message.terminal_id or "") == 8 and len(message.card_acceptor_id or "") == 15
    assert message.has_pin is (wanted.pin is not None)


@given(sales())
def test_every_request_claims_the_channel_it_was_taken_over(sale: tuple[Request, Place, Order]) -> None:
    request, where, wanted = sale
    is_cash = wanted.kind.transaction_type == codes.CASH or where.merchant.merchant_type == "6011"
    assert channel(read(request)) is (Channel.ATM if is_cash else where.point_of_sale.channel)


@given(sales())
def test_no_request_prints_what_nobody_may_see(sale: tuple[Request, Place, Order]) -> None:
    request, _, wanted = sale
    told = f"{request!r} {request} {wanted!r} {wanted}"
    assert wanted.pan.clear() not in told
    assert wanted.pin is None or request.values[de.PIN_BLOCK] not in told
    assert "92=[secret]" in told or wanted.card_verification_code is None


@given(sales(), stamps, st.sampled_from(["0400", "0420"]))
def test_a_reversal_names_its_request_in_de_90(sale: tuple[Request, Place, Order], later: Stamp, mti: str) -> None:
    request, _, _ = sale
    reversal = read(make_reversal(request, later, mti=mti))
    original = reversal.original
    assert original == Original(
        request.mti, request.stan, request.values[7], request.values[32], request.values.get(33, "")
    )
    assert Original.parse(original.text) == original == request.original
    assert (reversal.mti, reversal.stan, reversal.transmitted_at) == (mti, later.stan, later.transmitted_at)
    assert (reversal.pan, reversal.amount, reversal.currency) == (
        read(request).pan,
        read(request).amount,
        read(request).currency,
    )


@given(sales())
@settings(max_examples=30)
def test_a_reversal_carries_no_secret_of_the_card(sale: tuple[Request, Place, Order]) -> None:
    reversal = make_reversal(sale[0], stamp(2))
    assert not {de.EXPIRY, de.PIN_BLOCK, de.PRIVATE_DATA, de.TRACK_2} & reversal.values.keys()


@given(sales())
def test_a_repeat_is_the_same_message_under_another_type(sale: tuple[Request, Place, Order]) -> None:
    request, _, _ = sale
    repeat = make_repeat(request)
    assert (request.mti, repeat.mti) in (("0100", "0101"), ("0200", "0201"))
    assert repeat.values == request.values
    assert repeat.original == request.original
    assert make_repeat(repeat) == repeat


def test_a_purchase_over_the_internet_looks_like_this() -> None:
    message = read(purchase(stan=123))
    assert dict(message.items()) == {
        2: CARD.clear(),
        3: "000000",
        4: "000000012000",
        7: "1123205144",
        11: "000123",
        12: "005144",  # four hours ahead of DE 7 …
        13: "1124",  # … and so a day
        14: "2912",
        18: "5311",
        22: "812",
        25: "59",
        32: "784002",
        33: "784900",
        37: "632720000123",
        41: "14M00001",
        42: "14M000000000001",
        43: "14m.com                  Dubai        AE",
        48: "420207",
        49: "784",
    }


def test_cash_is_drawn_with_one_message() -> None:
    bank = house("nbk")
    message = read(make_request(order("cash", "20.000", "KWD", pin="1234"), place(bank, "atm"), bank, stamp()))
    assert (message.mti, message.processing_code, message.merchant_type) == ("0200", "010000", "6011")
    assert message.amount == 20_000 and message.currency == "414"
    assert message.forwarder_id is None and message.acquirer_id == "414001"
    assert message.rrn is None  # the bank leaves it to the switch
    assert message.pin_block is not None and len(message.pin_block) == 16


@pytest.mark.parametrize(
    ("kind", "channel_name", "message"),
    [
        ("purchase", "ecommerce", "0100"),
        ("purchase", "card_present", "0100"),
        ("balance", "atm", "0200"),
        ("verify", "atm", "0100"),
        ("preauth", "atm", "0100"),
        ("refund", "telephone", "0100"),
    ],
)
def test_each_kind_goes_by_its_message(kind: str, channel_name: str, message: str) -> None:
    of = house()
    assert make_request(order(kind), place(of, channel_name), of, stamp()).mti == message


def test_a_tenants_sale_names_the_mall_and_the_tenant() -> None:
    of = house()
    request = make_request(order(sub_merchant="14M-TOYS"), place(of), of, stamp())
    assert subelements.parse(request.values[48])["37"] == "14M00000000000114M-TOYS"


def test_no_pin_can_be_entered_where_no_key_is_agreed() -> None:
    lab = house("lab")
    with pytest.raises(ValueError, match="no PIN key"):
        make_request(order(pin="1234"), place(lab), lab, stamp())


def test_a_partial_reversal_says_what_remains() -> None:
    reversal = make_reversal(purchase(), stamp(2), reason="reversal.partial", left=Amount.parse("20.00", "AED"))
    assert reversal.values[95] == "000000002000" + "000000000000" + "C00000000" * 2
    assert reversal.values[39] == "32"
    assert len(read(reversal).get(95) or "") == 42


def test_a_reversal_after_the_answer_says_what_the_answer_said() -> None:
    request = purchase()
    heard = DIALECT.decode(approval(DIALECT.encode(request.mti, request.values), "A1B2C3", de37="632720999999"))
    reversal = make_reversal(request, stamp(2), answer=heard)
    assert reversal.values[38] == "A1B2C3" and reversal.values[37] == "632720999999"


def test_a_completion_takes_a_part_of_what_was_held() -> None:
    request = purchase()
    completion = read(make_completion(request, stamp(2), Amount.parse("80.00", "AED")))
    assert completion.mti == "0220" and completion.amount == 8000
    assert completion.original == request.original


@pytest.mark.parametrize(("name", "element", "institution"), [("comtrust", 33, "784900"), ("nbk", 32, "414001")])
def test_a_sign_on_says_who_is_speaking(name: str, element: int, institution: str) -> None:
    message = read(make_network_management(codes.SIGN_ON, house(name), stamp()))
    assert message.mti == "0800" and message.network_management_code == "001"
    assert message.get(element) == institution
    assert set(message.numbers()) == {7, 11, element, 70}


def test_an_answer_is_read_in_the_words_of_the_till() -> None:
    request = purchase()
    frame = DIALECT.encode(request.mti, request.values)
    verdict = read_answer(DIALECT.decode(approval(frame, "A1B2C3", de6="000000009984", de51="414")))
    assert verdict.is_approval and verdict.approval_code == "A1B2C3"
    assert (str(verdict.amount), str(verdict.billed)) == ("120.00 AED", "9.984 KWD")
    declined = read_answer(DIALECT.decode(answer(frame, "61", {44: "overlimit.used"})))
    assert not declined.is_approval
    assert (declined.response_code, declined.reason, declined.billed) == ("61", "overlimit.used", None)


def test_a_balance_is_read_out_of_the_additional_amounts() -> None:
    available, ledger = "3002414C000000100000", "3001414C000000200000"
    assert [str(amount) for amount in balances(ledger + available)] == ["100.000 KWD"]
    assert [str(amount) for amount in balances("3002414D000000000500")] == ["-0.500 KWD"]
    assert (
        balances("nonsense")
        == balances("")
        == balances("3002414X000000100000")
        == balances("30024²4C000000100000")
        == ()
    )


@given(st.text(max_size=60))
def test_additional_amounts_of_any_shape_are_read_without_harm(text: str) -> None:
    balances(text)


def test_two_moments_a_second_apart_are_two_transmissions() -> None:
    assert stamp(1).transmitted_at != stamp(1, AT + timedelta(seconds=1)).transmitted_at
