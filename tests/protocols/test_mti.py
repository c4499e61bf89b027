"""Message types: what answers what, what repeats what, and that unknown ones are nothing."""

import pytest

from protocols import mti
from protocols.errors import LocalProtocolError
from protocols.mti import MESSAGE_TYPES

PAIRS = {
    "0100": "0110",
    "0101": "0110",
    "0120": "0130",
    "0121": "0130",
    "0200": "0210",
    "0201": "0210",
    "0220": "0230",
    "0221": "0230",
    "0400": "0410",
    "0401": "0410",
    "0420": "0430",
    "0421": "0430",
    "0500": "0510",
    "0520": "0530",
    "0600": "0610",
    "0620": "0630",
    "0800": "0810",
}


def test_what_answers_what():
    assert {one: mti.answer_to(one) for one in MESSAGE_TYPES if mti.has_answer(one)} == PAIRS


@pytest.mark.parametrize("one", ["0110", "0130", "0810", "0820", "0999", "", "01000"])
def test_some_have_no_answer(one):
    assert not mti.has_answer(one)
    with pytest.raises(LocalProtocolError):
        mti.answer_to(one)


@pytest.mark.parametrize("one", sorted(MESSAGE_TYPES))
def test_every_type_is_a_request_or_an_advice_or_an_answer(one):
    assert [mti.is_request(one), mti.is_advice(one), mti.is_answer(one)].count(True) == 1


@pytest.mark.parametrize("one", ["0999", "9100", "0190", "1100", "", "01", "010", "01A0", "01000", "０１００"])
def test_an_unknown_type_is_nothing(one):
    says = [mti.is_known, mti.is_request, mti.is_advice, mti.is_answer, mti.is_repeat, mti.has_answer]
    assert not any(say(one) for say in says)
    assert mti.title(one) == "unknown message type"


def test_a_repeat_has_the_same_answer_as_the_first():
    for one in filter(mti.is_repeat, MESSAGE_TYPES):
        assert mti.answer_to(one) == mti.answer_to(mti.first_of(one))
        assert mti.repeat_of(mti.first_of(one)) == mti.repeat_of(one) == one


@pytest.mark.parametrize("one", ["0110", "0800", "0999"])
def test_some_have_no_repeat(one):
    with pytest.raises(LocalProtocolError):
        mti.repeat_of(one)


def test_classes():
    assert mti.mti_class("0101") == mti.AUTHORIZATION
    assert mti.mti_class("0421") == mti.REVERSAL
    assert mti.mti_class("0810") == mti.NETWORK_MANAGEMENT
