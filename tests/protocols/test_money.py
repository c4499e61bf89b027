"""Whole minor units, one rounding, and no currency mixed with another."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.money import Amount, Rate, UnknownCurrencyError, convert, currency, currency_numbered

CODES = ["KWD", "AED", "JPY", "USD", "CLF"]
codes = st.sampled_from(CODES)
minors = st.integers(-(10**15), 10**15)
rates = st.builds(Rate, st.integers(1, 9_999_999), st.integers(0, 9))


@pytest.mark.parametrize(
    ("code", "number", "exponent"),
    [("KWD", "414", 3), ("AED", "784", 2), ("JPY", "392", 0), ("USD", "840", 2), ("BHD", "048", 3), ("ALL", "008", 2)],
)
def test_currencies_of_iso_4217(code, number, exponent):
    assert currency(code) == currency_numbered(number)
    assert (currency(code).number, currency(code).exponent) == (number, exponent)


@pytest.mark.parametrize("code", ["", "kwd", "XXX", "XAU", "XTS", "ZZZ", "414"])
def test_what_nobody_can_pay_with_is_no_currency(code):
    with pytest.raises(UnknownCurrencyError):
        currency(code)


@pytest.mark.parametrize("number", ["", "999", "959", "000", "48", "KWD", "４１４"])
def test_what_nobody_can_pay_with_has_no_number(number):
    with pytest.raises(UnknownCurrencyError):
        currency_numbered(number)


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("100.000", "KWD", 100000),
        ("100", "KWD", 100000),
        ("0.5", "AED", 50),
        ("1000", "JPY", 1000),
        ("-0.001", "KWD", -1),
    ],
)
def test_amounts_as_people_write_them(text, code, minor):
    assert Amount.parse(text, code) == Amount(minor, currency(code))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "AED"),
        ("1.", "AED"),
        (".5", "AED"),
        ("1.005", "AED"),
        ("1.0", "JPY"),
        ("1_0", "AED"),
        ("+5", "AED"),
        (" 5", "AED"),
        ("１２", "AED"),
        ("1e3", "AED"),
        ("--5", "AED"),
        ("1,5", "AED"),
        ("1.²", "AED"),
        ("nan", "AED"),
        ("1.-5", "AED"),
    ],
)
def test_amounts_that_are_none(text, code):
    with pytest.raises(ValueError, match="not an amount"):
        Amount.parse(text, code)


@given(minors, codes)
def test_what_is_printed_is_read(minor, code):
    amount = Amount(minor, currency(code))
    assert Amount.parse(amount.text, code) == amount
    assert str(amount) == f"{amount.text} {code}"


@given(minors, minors, codes)
def test_amounts_of_one_currency_add_up_and_compare(one, other, code):
    left, right = Amount(one, currency(code)), Amount(other, currency(code))
    assert (left + right) - right == left
    assert (left < right, left <= right, left > right, left >= right) == (
        one < other,
        one <= other,
        one > other,
        one >= other,
    )
    assert left + -left == Amount.zero(code)
    assert not left - left


@pytest.mark.parametrize(
    "mix", [Amount.__add__, Amount.__sub__, Amount.__lt__, Amount.__le__, Amount.__gt__, Amount.__ge__]
)
def test_currencies_do_not_mix(mix):
    with pytest.raises(LocalProtocolError):
        mix(Amount.zero("KWD"), Amount.zero("AED"))


def test_zero_dinars_are_not_zero_dirhams():
    assert Amount.zero("KWD") != Amount.zero("AED")


@pytest.mark.parametrize("minor", [1.0, True, "1", None])
def test_only_whole_numbers_are_amounts(minor):
    with pytest.raises(TypeError):
        Amount(minor, currency("KWD"))


def test_an_amount_element_has_twelve_digits():
    assert Amount(999999999999, currency("KWD")).digits() == "999999999999"
    for minor in (10**12, -1):
        with pytest.raises(LocalProtocolError):
            Amount(minor, currency("KWD")).digits()


@pytest.mark.parametrize(
    ("amount", "code", "to", "rate", "expected"),
    [
        ("120.00", "AED", "KWD", "0.0832", "9.984"),  # 120 × 0.0832 = 9.984
        ("9.984", "KWD", "AED", "12.0192", "120.00"),  # 9.984 × 12.0192 = 119.9996…
        ("1000", "JPY", "KWD", "0.00205", "2.050"),  # 1000 × 0.00205 = 2.05
        ("1.000", "KWD", "JPY", "487.5", "488"),  # 487.5: half to even, up
        ("1.000", "KWD", "JPY", "486.5", "486"),  # 486.5: half to even, down
        ("-1.000", "KWD", "JPY", "486.5", "-486"),  # and the same below zero
        ("0.01", "AED", "KWD", "0.0832", "0.001"),  # 0.000832
        ("0.01", "AED", "KWD", "0.05", "0.000"),  # 0.0005: half to even, down
        ("0.01", "AED", "KWD", "0.15", "0.002"),  # 0.0015: half to even, up
        ("0.00", "AED", "KWD", "0.0832", "0.000"),
        ("5.00", "USD", "AED", "3.6725", "18.36"),  # 18.3625
    ],
)
def test_conversions_worked_by_hand(amount, code, to, rate, expected):
    assert convert(Amount.parse(amount, code), currency(to), Rate.from_text(rate)) == Amount.parse(expected, to)


@given(minors, codes, codes, rates)
def test_conversion_is_exact_and_rounded_once(minor, code, to, rate):
    source, target = currency(code), currency(to)
    major = Fraction(minor, 10**source.exponent) * Fraction(rate.digits, 10**rate.shift)
    assert convert(Amount(minor, source), target, rate) == Amount(round(major * 10**target.exponent), target)


@given(rates)
def test_a_rate_is_written_and_read(rate):
    assert Rate.from_de10(rate.de10()) == rate
    assert Rate.from_text(str(rate)) == rate


@given(minors, rates)
def test_both_ends_convert_alike_from_the_element(minor, rate):
    amount = Amount(minor, currency("AED"))
    assert convert(amount, currency("KWD"), Rate.from_de10(rate.de10())) == convert(amount, currency("KWD"), rate)


def test_de10_counts_its_decimals_first():
    assert Rate.from_text("0.0832").de10() == "40000832"
    assert Rate.from_text("12.0192").de10() == "40120192"
    assert Rate.from_text("487").de10() == "00000487"


@pytest.mark.parametrize("text", ["0.00000000001", "12345678", "1.2345678"])
def test_a_rate_that_does_not_fit_de10_is_not_cut(text):
    with pytest.raises(LocalProtocolError):
        Rate.from_text(text).de10()


@pytest.mark.parametrize("text", ["", "0", "0.0", "-1", "+1", "1.", ".5", "1.2.3", "1e3", "1_0", "１"])
def test_rates_that_are_none(text):
    with pytest.raises(ValueError, match="rate"):
        Rate.from_text(text)


@pytest.mark.parametrize("text", ["", "4000083", "400008322", "4000083x", "40000000", "4 000832", "４0000832"])
def test_rate_elements_that_are_none(text):
    with pytest.raises(ValueError, match="rate"):
        Rate.from_de10(text)
