"""DE 90 names a message; the booking key names a transaction in everybody's books."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import FormatError, LocalProtocolError
from protocols.original import NOT_STATED, Original, booking_key


def digits(length):
    return st.text("0123456789", min_size=length, max_size=length)


originals = st.builds(Original, digits(4), digits(6), digits(10), digits(11), digits(11))


@given(originals)
def test_what_was_written_is_read(original):
    assert len(original.text) == 42
    assert Original.parse(original.text) == original


@given(st.text(max_size=45) | digits(42))
def test_any_text_is_read_or_refused(text):
    try:
        original = Original.parse(text)
    except FormatError as error:
        assert error.slug == "format.de90"
    else:
        assert original.text == text


@pytest.mark.parametrize("text", ["", "0" * 41, "0" * 43, "0" * 41 + "²", "0" * 41 + " ", "０" * 42, "-" + "0" * 41])
def test_what_is_not_42_digits_is_refused(text):
    with pytest.raises(FormatError) as caught:
        Original.parse(text)
    assert caught.value.element == 90


def test_the_layout():
    original = Original("0100", "000123", "1123205144", "784001", "784900")
    assert original.text == "0100" + "000123" + "1123205144" + "00000784001" + "00000784900"


def test_a_short_institution_is_the_same_as_a_padded_one():
    padded = Original("0100", "000123", "1123205144", "00000784001", NOT_STATED)
    assert Original("0100", "000123", "1123205144", "784001") == padded


def test_institutions_of_zeros_are_not_stated():
    assert not Original("0100", "000123", "1123205144").states_institutions
    assert Original("0100", "000123", "1123205144", "784001").states_institutions
    assert Original("0100", "000123", "1123205144", forwarder_id="784900").states_institutions


@pytest.mark.parametrize(
    "parts", [("100", "000123", "1123205144"), ("0100", "123", "1123205144"), ("0100", "00012x", "1123205144")]
)
def test_parts_that_do_not_fit_are_our_mistake(parts):
    with pytest.raises(LocalProtocolError):
        Original(*parts)


@given(digits(6), digits(10), st.integers(0, 10**11 - 1).map(str))
def test_switch_and_issuer_find_the_same_key(stan, transmitted_at, acquirer_id):
    asked = booking_key("0100", stan, transmitted_at, acquirer_id)
    reversed_ = Original("0100", stan, transmitted_at, acquirer_id).key
    assert asked == reversed_ == booking_key("0101", stan, transmitted_at, acquirer_id.zfill(11))
    assert asked == booking_key("0120", stan, transmitted_at, acquirer_id)
    assert asked != booking_key("0200", stan, transmitted_at, acquirer_id)


def test_the_key_as_it_is_written():
    assert booking_key("0421", "000123", "1123205144", "00000414001") == "0400/000123/1123205144/414001"
    assert booking_key("0200", "000123", "1123205144", "") == "0200/000123/1123205144/0"
