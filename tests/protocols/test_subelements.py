"""DE 48 is read strictly, written back unchanged, and shown without its secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import subelements
from protocols.errors import FormatError, LocalProtocolError
from protocols.subelements import SubelementError, pack, parse, shown, without, without_secrets

numbers = st.text("0123456789", min_size=2, max_size=2)
runs = st.dictionaries(numbers, st.text(max_size=99), max_size=9)


@given(runs)
def test_what_was_packed_is_parsed(values):
    assert parse(pack(values)) == values
    assert list(parse(pack(values))) == list(values)


@given(st.text(max_size=60) | st.text("0123456789", max_size=60))
def test_any_text_is_parsed_or_refused(text):
    try:
        values = parse(text)
    except SubelementError as error:
        assert error.slug == "format.de48"
        assert 0 <= error.offset < len(text)
    else:
        assert pack(values) == text


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("4", 0),
        ("42", 0),
        ("4202", 0),
        ("42020", 0),
        ("420205x", 6),
        ("42020542020592", 6),
        ("4a0205", 0),
        ("42 205", 0),
        ("42+205", 0),
        ("42²005", 0),
        ("４２0205", 0),
    ],
)
def test_garbage_is_refused_where_it_begins(text, offset):
    with pytest.raises(SubelementError) as caught:
        parse(text)
    assert caught.value.offset == offset
    assert isinstance(caught.value, FormatError)
    assert caught.value.element == 48


def test_nothing_is_an_empty_run():
    assert parse("") == {}
    assert pack({}) == ""


def test_an_empty_value_is_a_value():
    assert parse("8700") == {"87": ""}


@pytest.mark.parametrize("values", [{"4": "x"}, {"421": "x"}, {"4²": "x"}, {"42": "x" * 100}])
def test_what_cannot_be_packed_is_our_mistake(values):
    with pytest.raises(LocalProtocolError):
        pack(values)


@given(runs)
def test_taking_one_out_leaves_the_rest_in_order(values):
    left = {number: value for number, value in values.items() if number != "92"}
    assert without(pack(values), "92") == pack(left)


@given(runs)
def test_a_journal_keeps_neither_the_secret_nor_the_unknown(values):
    kept = parse(without_secrets(pack(values)))
    assert set(kept) <= set(subelements.SUBELEMENTS) - subelements.SECRET


@given(st.text("0123456789", min_size=3, max_size=4))
def test_a_card_verification_code_is_never_shown(code):
    assert shown(pack({"92": code})) == "92=[secret]"
    assert shown(pack({"99": code})) == "99=[secret]"
    assert shown("x" + code) == "[secret]"
