"""Product rules whose answer is more than yes or no: taps that need no PIN, and places where accounts are funded."""

from __future__ import annotations

import pytest

from tests.switch.desk import CREDIT_CARD, DEBIT_CARD, INTERNET_CARD, Desk

SHOP = {"merchant_type": "5411", "pos_condition_code": "00", "pan": DEBIT_CARD, "currency": "414"}
BROKERAGE = {"merchant_type": "6211", "currency": "414"}
FUNDING = {"processing_code": "100000", "to_account": "nbk-3003"}


def said(desk: Desk, issuer: int, shop: int, **changes: str | None) -> str:
    """`asked`: the request reached its issuer; else why not."""
    desk.asks(shop, **changes)
    if not desk.silent(shop):
        refused = desk.hears(shop)
        return f"{refused.response_code} {refused.reason}"
    desk.answers(issuer, desk.hears(issuer))
    desk.hears(shop)
    return "asked"


@pytest.mark.parametrize("order", [(10_000, 10_001, 9_999), (10_001, 10_000, 10_002)])
def test_a_small_tap_needs_no_pin_and_none_is_taken_for_another(order: tuple[int, ...]) -> None:
    """In any order: what the lane saw of one amount says nothing of the next."""
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    for number, amount in enumerate(order * 2):
        stan = {"stan": f"{number + 1:06d}", "rrn": f"{number + 1:012d}"}
        tap = {**SHOP, **stan, "pos_entry_mode": "071", "amount": f"{amount:012d}"}
        expected = "asked" if amount <= 10_000 else "57 pin.missing"
        assert said(desk, issuer, shop, **tap) == expected, amount


def test_a_card_that_is_inserted_needs_its_pin_however_little_it_is() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    assert said(desk, issuer, shop, **SHOP, pos_entry_mode="051", amount="000000000001") == "57 pin.missing"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pan": DEBIT_CARD, **FUNDING}, "asked"),
        ({"pan": DEBIT_CARD, **FUNDING, "to_account": None}, "30 missing.de103"),
        ({"pan": DEBIT_CARD}, "57 type.purchase"),
        ({"pan": CREDIT_CARD, **FUNDING}, "57 merchant_type.6211"),
        ({"pan": INTERNET_CARD}, "57 type.purchase"),
        ({"pan": INTERNET_CARD, **FUNDING}, "57 type.funding"),
    ],
)
def test_at_a_brokerage_an_account_is_funded_and_nothing_is_bought(
    changes: dict[str, str | None], expected: str
) -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    assert said(desk, issuer, shop, **BROKERAGE, **changes) == expected
