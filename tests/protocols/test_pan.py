"""A card number hides, and its check digit finds what people mistype."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.pan import Pan, check_digit, is_digits, luhn_valid, masked

DIGITS = "0123456789"
numbers = st.text(DIGITS, min_size=8, max_size=19)


@pytest.mark.parametrize("number", ["79927398713", "4111111111111111", "5555555555554444", "378282246310005"])
def test_published_numbers_pass_the_check(number):
    assert luhn_valid(number)


def test_the_worked_example_gives_three():
    assert check_digit("7992739871") == "3"


@pytest.mark.parametrize(
    "text", ["", "0" * 7, "0" * 20, "9414 1000 0000 0017", "９４１４１００００", "94141000²0000017", "-941410000"]
)
def test_what_is_no_card_number_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match="8 to 19 digits") as caught:
        Pan(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("text", ["²", "１２", "٣", "1_0", "+5", " 5", "5\n", "-1", ""])
def test_only_the_ten_ascii_digits_are_digits(text):
    assert not is_digits(text)


@given(numbers)
def test_nothing_but_clear_shows_the_number(number):
    pan = Pan(number)
    shown = [str(pan), repr(pan), f"{pan}", f"{pan!r:>40}", f"{pan}", pan.masked, repr([pan]), repr({pan: 1})]
    assert not any(number in text for text in shown)
    assert pan.clear() == number


@given(numbers)
def test_a_mask_shows_at_most_six_and_four(number):
    shown = [character for character in masked(number) if character != "*"]
    assert len(masked(number)) == len(number)
    assert len(shown) <= (10 if len(number) >= 13 else 4)


def test_masks():
    assert masked("9414100000000017") == "941410******0017"
    assert masked("9414100000013") == "941410***0013"
    assert masked("941410000018") == "********0018"
    assert masked("12345") == "*2345"
    assert masked("1234") == "****"
    assert masked("") == ""


@given(numbers)
def test_numbers_are_equal_by_value(number):
    assert Pan(number) == Pan(number)
    assert hash(Pan(number)) == hash(Pan(number))
    assert copy.deepcopy(Pan(number)) == Pan(number)
    assert Pan(number) != number


@given(st.text(DIGITS, max_size=18))
def test_the_check_digit_makes_a_valid_number(payload):
    assert luhn_valid(payload + check_digit(payload))
    assert sum(luhn_valid(payload + digit) for digit in DIGITS) == 1


@given(st.text(DIGITS, min_size=2, max_size=19), st.data())
def test_one_wrong_digit_is_always_noticed(payload, data):
    number = payload + check_digit(payload)
    at = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in DIGITS if digit != number[at]]))
    assert not luhn_valid(number[:at] + wrong + number[at + 1 :])


@given(st.text(max_size=25))
def test_the_check_takes_any_text(text):
    assert luhn_valid(text) in (True, False)


def test_a_check_digit_is_for_digits():
    with pytest.raises(ValueError, match="digits only"):
        check_digit("94141A")


def test_the_account_part_has_twelve_digits():
    assert Pan("9414100000000017").account12 == "410000000001"
    assert Pan("94141001").account12 == "000009414100"


def test_a_pan_knows_its_prefix():
    assert Pan("9414100000000017").starts_with("941410")
    assert not Pan("9414100000000017").starts_with("941420")
