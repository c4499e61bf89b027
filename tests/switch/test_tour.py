"""The tour as data: its steps make sense, its cards are dealt once, its verdicts are fair."""

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquirers.points_of_sale import POINTS_OF_SALE
from issuers.bank import load_banks
from issuers.cards import card_list
from protocols.codes import reason
from protocols.money import Amount
from protocols.network import source
from protocols.pan import luhn_valid
from switch.audit import Entry, State, audit
from switch.merchants import load_merchants
from switch.place import gateways_here
from switch.shell.play import till_line
from switch.tour.cards import NoSuchCardError, TestCard, Wanted, deal, read_cards
from switch.tour.step import APPROVED, Answer, AtTill, Fact, HostDown, HostUp, Line, Pin
from switch.tour.steps import STEPS, gateways_needed
from switch.tour.verdict import Heard, all_agree, audited, heard, judged, matches

LINES = [line for step in STEPS for line in step.lines]
AT_TILLS = [line.act for line in LINES if isinstance(line.act, AtTill)]

CARD = TestCard("nbk", "debit", "active", None, pan="9414300000000013", expiry="2912", pin="1234")


def test_the_steps_are_in_order_and_each_is_there_once() -> None:
    numbers = [step.number for step in STEPS]
    assert numbers == sorted(set(numbers))
    assert {1, 2, 3, 4, 5, 6, 9, 11} <= set(numbers)


def test_every_merchant_gateway_and_channel_of_the_tour_exists() -> None:
    merchants = load_merchants(source(None, "merchants.toml"))
    for act in AT_TILLS:
        assert act.merchant in merchants
        assert act.gateway in gateways_here(None)
        assert act.channel in POINTS_OF_SALE
        Amount.parse(act.amount, act.currency)
    assert set(gateways_needed()) == {act.gateway for act in AT_TILLS}


def test_every_refusal_that_the_tour_expects_is_in_the_table_of_codes() -> None:
    for line in LINES:
        if isinstance(line.expected, Answer) and line.expected.reason:
            assert reason(line.expected.reason).response_code == line.expected.response_code


def test_a_host_that_goes_down_comes_back() -> None:
    assert [act.issuer for act in (line.act for line in LINES) if isinstance(act, HostDown)] == [
        act.issuer for act in (line.act for line in LINES) if isinstance(act, HostUp)
    ]


def test_the_demonstration_has_a_card_for_every_part() -> None:
    hand = deal(read_cards(card_list(load_banks(None))))
    assert {act.card for act in AT_TILLS} == set(hand)
    assert len({card.pan for card in hand.values()}) == len(hand)
    assert all(luhn_valid(card.pan) for card in hand.values())
    assert hand["spender"].limit == Decimal(200)


def test_a_part_without_a_card_is_named_and_no_number_is() -> None:
    wanted = {"one": Wanted("nbk", "debit"), "two": Wanted("nbk", "debit", Decimal(100))}
    with pytest.raises(NoSuchCardError, match="unused debit card of nbk with limit 100"):
        deal([CARD], wanted)


@pytest.mark.parametrize(
    "change", [{"state": "blocked"}, {"is_fresh": False}, {"issuer": "nbd"}, {"product": "credit"}]
)
def test_a_card_that_does_not_suit_is_not_dealt(change: dict[str, object]) -> None:
    with pytest.raises(NoSuchCardError):
        deal([dataclasses.replace(CARD, **change)], {"one": Wanted("nbk", "debit")})  # type: ignore[arg-type]


def test_a_card_with_a_past_is_known_by_its_note() -> None:
    printed = {"issuer": "nbk", "product": "debit", "state": "active", "pan": "1", "expiry": "2912"}
    (fresh,) = read_cards([printed | {"note": "spare: the tour spends it up to its limit and over"}])
    (used,) = read_cards([printed | {"note": "has gone over its limit of 100.000 already"}])
    assert (fresh.is_fresh, used.is_fresh) == (True, False)


def test_a_card_shows_neither_number_nor_pin() -> None:
    assert "9414300000000013" not in repr(CARD)
    assert "1234" not in repr(CARD)


@given(st.text("0123456789", min_size=4, max_size=6))
def test_a_wrong_pin_is_wrong(pin: str) -> None:
    assert dataclasses.replace(CARD, pin=pin).wrong_pin != pin


def test_what_is_typed_at_the_till() -> None:
    act = AtTill("nbk", "NBKATM000000001", "atm", "holder", "20.000", "KWD", do="cash", pin=Pin.WRONG)
    typed = till_line(7, act, CARD)
    assert (typed["id"], typed["do"], typed["amount"], typed["pin"]) == (7, "cash", "20.000", "9999")
    assert "pin" not in till_line(8, dataclasses.replace(act, pin=None), CARD)


@pytest.mark.parametrize(
    ("expected", "seen", "agrees"),
    [
        (APPROVED, Heard("approved", "00"), True),
        (APPROVED, Heard("declined", "05", "declined"), False),
        (APPROVED, Heard("timeout"), False),
        (Answer("57", "channel.atm"), Heard("declined", "57", "channel.atm"), True),
        (Answer("57", "channel.atm"), Heard("declined", "57", "channel.pos"), False),
        (Answer("57", "channel.atm"), Heard("declined", "57"), False),
        (Answer("00", billed_in="KWD"), Heard("approved", "00", billed="9.984 KWD"), True),
        (Answer("00", billed_in="KWD"), Heard("approved", "00", billed="9.984 AED"), False),
        (Answer("00", billed_in="KWD"), Heard("approved", "00"), False),
        (Fact("nothing waits"), Fact("nothing waits"), True),
        (Fact("nothing waits"), Fact("1 waiting"), False),
        (Fact("host is up"), Heard("approved", "00"), False),
    ],
)
def test_a_verdict_is_fair(expected: Answer | Fact, seen: Heard | Fact, agrees: bool) -> None:
    assert matches(expected, seen) is agrees


def test_both_sides_are_told_in_words() -> None:
    step = STEPS[0]
    seen = heard({"outcome": "approved", "response_code": "00", "billed": "9.984 KWD", "elapsed_ms": 3.1})
    verdict = judged(step, step.lines[0], seen)
    assert (verdict.expected, verdict.actual) == ("00 approved, billed in KWD", "00 approved, billed 9.984 KWD")
    assert str(heard({"id": 1, "outcome": "error", "error": "no merchant"})) == "no answer: no merchant"
    assert str(heard({})) == "no answer: no outcome"


def test_a_tour_that_showed_nothing_was_no_success() -> None:
    assert not all_agree([])


def test_the_audit_ends_the_tour() -> None:
    entry = Entry("k", State.APPROVED, 9984, "KWD")
    waiting = Entry("w", State.WAITING, 0, "KWD")
    assert all_agree(audited(audit({"nbk": [entry]}, {"nbk": [entry], "abroad": None})))
    disagree = audited(audit({"nbk": [entry]}, {"nbk": []}))
    assert [verdict.actual for verdict in disagree] == ["1 disagreements", "nothing waits"]
    owed = audited(audit({"nbk": [waiting]}, {"nbk": []}))
    assert [verdict.actual for verdict in owed] == ["books agree", "1 waiting"]


def test_a_line_is_one_line() -> None:
    assert all("\n" not in line.says and len(line.says) < 90 for line in LINES)
    assert isinstance(LINES[0], Line)
