"""The till's lines, in and out."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquirers.session import Heard, Outcome
from acquirers.till import Line, Till, TillError, mistaken
from acquirers.transaction import Request
from tests.acquirers.making import CARD, DIALECT, answer, approval, house, stamp

PURCHASE = {"id": 1, "do": "purchase", "pan": CARD.clear(), "expiry": "2912", "amount": "120.00", "currency": "AED"}


class Desk:
    """A till with its stamps numbered 1, 2, 3."""

    def __init__(self, name: str = "comtrust") -> None:
        self.count = 0
        self.till = Till(house(name), self._stamp)

    def _stamp(self):
        self.count += 1
        return stamp(self.count)

    def type(self, **line: object) -> Request:
        return self.till.request(Line.read(json.dumps(line)))

    def refused(self, **line: object) -> str:
        with pytest.raises(TillError) as caught:
            self.type(**line)
        return str(caught.value)

    def tell(self, line: dict[str, object], heard: Heard) -> dict[str, object]:
        return json.loads(self.till.answered(Line.read(json.dumps(line)), heard, 0.0031))


def frame_of(request: Request) -> bytes:
    return DIALECT.encode(request.mti, request.values)


def test_a_purchase_line_is_answered_with_what_became_of_it() -> None:
    desk = Desk()
    request = desk.type(**PURCHASE)
    heard = Heard(1, Outcome.APPROVED, DIALECT.decode(approval(frame_of(request), de6="000000009984", de51="414")))
    assert desk.tell(PURCHASE, heard) == {
        "id": 1,
        "outcome": "approved",
        "mti": "0110",
        "response_code": "00",
        "reason": None,
        "approval_code": "A1B2C3",
        "rrn": "632720000001",
        "stan": "000001",
        "amount": "120.00 AED",
        "billed": "9.984 KWD",
        "balances": [],
        "elapsed_ms": 3.1,
    }


def test_a_timeout_says_which_number_was_in_doubt() -> None:
    desk = Desk()
    desk.type(**PURCHASE)
    told = desk.tell(PURCHASE, Heard(1, Outcome.TIMEOUT))
    assert (told["outcome"], told["mti"], told["stan"]) == ("timeout", None, "000001")


@pytest.mark.parametrize(
    ("gateway", "merchant", "channel", "do", "mti"),
    [
        ("comtrust", "UAEMALL00000001", "ecommerce", "purchase", "0100"),
        ("nbd", "GULFMART0000001", "card_present", "purchase", "0100"),
        ("nbd", "GULFMART0000001", "telephone", "purchase", "0100"),
        ("nbd", "GULFMART0000001", "keyed", "purchase", "0100"),
        ("nbk", "NBKATM000000001", "atm", "cash", "0200"),
    ],
)
def test_each_point_of_sale_of_the_tour_has_its_line(
    gateway: str, merchant: str, channel: str, do: str, mti: str
) -> None:
    request = Desk(gateway).type(
        id=1, do=do, merchant=merchant, channel=channel, pan=CARD.clear(), expiry="2912", amount="5.00", currency="AED"
    )
    assert request.mti == mti and request.values[42] == merchant


def test_a_single_message_is_sent_where_the_line_wants_one() -> None:
    assert Desk().type(**PURCHASE, message="0200").mti == "0200"


def test_the_currency_is_the_merchants_own_where_the_line_names_none() -> None:
    line = {key: value for key, value in PURCHASE.items() if key != "currency"} | {"merchant": "SOUKWATANI00001"}
    request = Desk("nbk").type(**line | {"amount": "3.5"})
    assert (request.values[4], request.values[49]) == ("000000003500", "414")


def test_a_balance_needs_no_amount() -> None:
    assert Desk().type(id=1, do="balance", pan=CARD.clear()).values[4] == "000000000000"


def test_a_reversal_is_about_an_earlier_line() -> None:
    desk = Desk()
    sale = desk.type(**PURCHASE)
    reversal = desk.type(id=2, do="reverse", of=1)
    assert reversal.mti == "0400" and reversal.values[90] == sale.original.text
    assert desk.type(id=3, do="reverse", of=1, message="0420").mti == "0420"


def test_a_reversal_again_is_the_same_reversal() -> None:
    desk = Desk()
    desk.type(**PURCHASE)
    first = desk.type(id=2, do="reverse", of=1)
    again = desk.type(id=3, do="reverse", of=1, repeat=True)
    assert again.mti == "0401" and again.values == first.values
    advice = desk.type(id=4, do="reverse", of=1, message="0420")
    assert desk.type(id=5, do="reverse", of=1, repeat=True) == Request("0421", advice.values)


def test_a_reversal_after_an_answer_carries_its_approval_code() -> None:
    desk = Desk()
    heard = Heard(1, Outcome.APPROVED, DIALECT.decode(approval(frame_of(desk.type(**PURCHASE)))))
    desk.tell(PURCHASE, heard)
    assert desk.type(id=2, do="reverse", of=1).values[38] == "A1B2C3"


def test_a_repeat_keeps_its_identity() -> None:
    desk = Desk()
    sale = desk.type(**PURCHASE)
    repeat = desk.type(id=2, do="repeat", of=1)
    assert repeat.mti == "0101" and repeat.values == sale.values and desk.count == 1


def test_a_capture_takes_a_part() -> None:
    desk = Desk()
    desk.type(**PURCHASE | {"do": "preauth"})
    capture = desk.type(id=2, do="capture", of=1, amount="80.00")
    assert (capture.mti, capture.values[4]) == ("0220", "000000008000")


@pytest.mark.parametrize(("do", "code"), [("echo", "301"), ("sign_on", "001"), ("sign_off", "002")])
def test_network_management_has_its_lines(do: str, code: str) -> None:
    request = Desk().type(id=1, do=do)
    assert (request.mti, request.values[70]) == ("0800", code)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"do": "steal"}, "line: do"),
        ({"tip": "1.00"}, "line: tip"),
        ({"merchant": "GULFMART0000001"}, "sends for no merchant"),
        ({"terminal": "GULF0001"}, "no terminal"),
        ({"channel": "pigeon"}, "no channel 'pigeon'"),
        ({"amount": "1.234"}, "2 decimals"),
        ({"amount": "-1.00"}, "does not fit"),
        ({"amount": None}, "`amount` is missing"),
        ({"pan": None}, "`pan` is missing"),
        ({"pan": "12"}, "8 to 19 digits"),
        ({"pin": "12"}, "four to twelve"),
        ({"currency": "DOLLARS"}, "no such currency"),
        ({"do": "reverse"}, "`of` must be"),
        ({"do": "reverse", "of": 99}, "`of` must be"),
    ],
)
def test_a_line_that_makes_no_sense_is_told_why(line: dict[str, object], complaint: str) -> None:
    assert complaint in Desk().refused(**PURCHASE | line)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"do": "purchase"}', "\x00"])
def test_what_is_no_line_is_told_so(text: str) -> None:
    with pytest.raises(TillError):
        Line.read(text)


def test_a_mistake_comes_back_under_its_id() -> None:
    with pytest.raises(TillError) as caught:
        Line.read('{"id": 7, "do": "steal"}')
    assert json.loads(mistaken(caught.value)).items() >= {"id": 7, "outcome": "error"}.items()


def test_a_line_in_the_log_shows_neither_card_nor_pin() -> None:
    line = Line.read(json.dumps(PURCHASE | {"pin": "739154", "cvv2": "862"}))
    told = f"{line!r} {line} {line.model_dump()}"
    assert CARD.clear() not in told and "739154" not in told and "862" not in told


def test_a_refused_line_never_repeats_the_card() -> None:
    for spoiled in ({"amount": "x"}, {"expiry": CARD.clear()}, {"pan": CARD.clear() + "x"}, {"surprise": CARD.clear()}):
        assert CARD.clear() not in Desk().refused(**PURCHASE | spoiled)


def test_a_reversal_of_an_echo_cannot_be() -> None:
    desk = Desk()
    desk.type(id=1, do="echo")
    assert desk.refused(id=2, do="reverse", of=1, left="1.00")


@given(st.text(max_size=80) | st.dictionaries(st.sampled_from(list(Line.model_fields)), st.text()).map(json.dumps))
def test_a_line_of_any_shape_is_a_line_or_a_mistake(text: str) -> None:
    desk = Desk()
    with contextlib.suppress(TillError):
        desk.till.request(Line.read(text))


def test_an_answer_to_an_echo_has_no_amount() -> None:
    desk = Desk()
    request = desk.type(id=1, do="echo")
    told = desk.tell(
        {"id": 1, "do": "echo"}, Heard(1, Outcome.APPROVED, DIALECT.decode(answer(frame_of(request), "00")))
    )
    assert told["mti"] == "0810" and told["amount"] is None
