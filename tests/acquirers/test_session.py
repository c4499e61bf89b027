"""A gateway's talk with the switch, in pure virtual time: numbers go in, frames come out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquirers.session import OWED_IN_FLIGHT_MAX, REFUSALS_MAX, STANS, Outcome, Session
from acquirers.transaction import make_repeat, make_reversal
from protocols import codes
from protocols import elements as de
from protocols.original import Original
from tests.acquirers.making import AT, DIALECT, Talk, answer, approval, decline, house, purchase, sent


def test_nothing_but_a_sign_on_goes_out_on_a_new_link() -> None:
    talk = Talk()
    (sign_on,) = talk.connect()
    assert (sign_on.mti, sign_on.network_management_code) == ("0800", codes.SIGN_ON)
    step = talk.ask(purchase())
    assert step.frames == [] and [heard.outcome for heard in step.heard] == [Outcome.LINK_DOWN]


def test_a_sale_before_any_link_never_leaves_the_house() -> None:
    talk = Talk()
    assert talk.ask(purchase()).heard[0].outcome is Outcome.LINK_DOWN
    assert talk.session.owed == () and talk.session.in_flight == 0


def test_a_refused_sign_on_ends_the_link() -> None:
    talk = Talk()
    (sign_on,) = talk.connect()
    step = talk.hear(answer(sign_on.frame, "58", {44: "terminal.not_allowed"}))
    assert step.hang_up == "sign-on refused with 58" and not talk.session.signed_on


def test_an_approval_reaches_whoever_asked() -> None:
    talk = Talk().sign_on()
    sale = talk.purchase(ticket=7)
    (heard,) = talk.hear(approval(sale.frame)).heard
    assert (heard.ticket, heard.outcome) == (7, Outcome.APPROVED)
    assert heard.answer is not None and heard.answer.approval_code == "A1B2C3"
    assert talk.session.in_flight == 0


def test_a_decline_is_an_answer_and_leaves_nothing_owed() -> None:
    talk = Talk().sign_on()
    (heard,) = talk.hear(decline(talk.purchase().frame)).heard
    assert heard.outcome is Outcome.DECLINED and talk.session.owed == ()


def test_many_requests_are_in_flight_and_answered_in_any_order() -> None:
    talk = Talk().sign_on()
    sales = {ticket: talk.purchase(ticket) for ticket in range(1, 11)}
    step = talk.hear(*(approval(sales[ticket].frame) for ticket in sorted(sales, reverse=True)))
    assert [heard.ticket for heard in step.heard] == list(range(10, 0, -1))


def test_silence_is_reversed_and_never_asked_again() -> None:
    talk = Talk().sign_on()
    sale = talk.purchase(ticket=7)
    assert talk.wait(14.9).frames == []
    step = talk.wait(0.1)
    assert [(heard.ticket, heard.outcome) for heard in step.heard] == [(7, Outcome.TIMEOUT)]
    (reversal,) = sent(step)
    assert reversal.mti == "0420" and reversal.response_code == "68"
    assert reversal.original == Original("0100", sale.stan, sale.transmitted_at, "784002", "784900")


def test_a_reversal_is_repeated_until_acknowledged() -> None:
    talk = Talk().sign_on()
    talk.purchase()
    (first,) = sent(talk.wait(15))
    repeats = []
    for wait in (5, 10, 20, 40, 60, 60):
        talk.now += wait
        repeats += sent(talk.session.received([], talk.now))
    assert [repeat.mti for repeat in repeats] == ["0421"] * 6
    assert all(dict(repeat.items()) == dict(first.items()) for repeat in repeats)
    assert talk.hear(answer(repeats[-1].frame, "00")).frames == []
    assert talk.session.owed == () and talk.session.due() == talk.now + 30  # only the next echo


def test_the_answer_to_the_first_reversal_settles_its_repeats_too() -> None:
    talk = Talk().sign_on()
    talk.purchase()
    (first,) = sent(talk.wait(15))
    talk.wait(5)
    talk.hear(answer(first.frame, "00"))
    assert talk.session.owed == ()


def test_a_reversal_refused_for_good_is_parked_and_not_forgotten() -> None:
    talk = Talk().sign_on()
    talk.purchase()
    advices = sent(talk.wait(15))
    for _ in range(REFUSALS_MAX):
        talk.hear(answer(advices[-1].frame, "30", {44: "format.de90"}))
        talk.now += 61
        advices += sent(talk.session.received([], talk.now))
    assert talk.session.owed == ()
    assert [request.mti for request in talk.session.parked] == ["0421"]


def test_a_late_approval_changes_nothing() -> None:
    talk = Talk().sign_on()
    sale = talk.purchase()
    talk.wait(15)
    step = talk.hear(approval(sale.frame))
    assert step.heard == [] and talk.session.stray_answers == 1
    assert len(talk.session.owed) == 1


def test_a_lost_link_puts_everything_in_flight_in_doubt() -> None:
    talk = Talk().sign_on()
    talk.purchase(1), talk.purchase(2)
    step = talk.lose()
    assert [(heard.ticket, heard.outcome) for heard in step.heard] == [(1, Outcome.LINK_DOWN), (2, Outcome.LINK_DOWN)]
    assert step.frames == [] and len(talk.session.owed) == 2


def test_what_is_owed_goes_out_once_the_next_link_has_signed_on() -> None:
    talk = Talk().sign_on()
    talk.purchase()
    talk.lose()
    talk.now += 300
    (sign_on,) = talk.connect()
    assert talk.wait(1).frames == []
    (reversal,) = sent(talk.hear(answer(sign_on.frame, "00")))
    assert reversal.mti == "0420"


def test_a_reversal_that_waits_for_its_repeat_does_not_wait_on_a_new_link() -> None:
    talk = Talk().sign_on()
    talk.purchase()
    talk.wait(15), talk.wait(5), talk.wait(10)
    talk.lose()
    talk.now += 1
    (sign_on,) = talk.connect()
    assert [repeat.mti for repeat in sent(talk.hear(answer(sign_on.frame, "00")))] == ["0421"]


def test_after_an_outage_the_switch_is_not_buried() -> None:
    talk = Talk().sign_on()
    for ticket in range(1, 101):
        talk.purchase(ticket)
    talk.lose()
    (sign_on,) = talk.connect()
    first = sent(talk.hear(answer(sign_on.frame, "00")))
    assert len(first) == OWED_IN_FLIGHT_MAX
    settled = 0
    while first:
        settled += len(first)
        first = sent(talk.hear(*(answer(advice.frame, "00") for advice in first))) or sent(talk.wait(1.0))
    assert settled == 100 and talk.session.owed == ()


def test_a_sale_and_its_repeat_in_doubt_are_reversed_once() -> None:
    talk = Talk().sign_on()
    sale = purchase(stan=500)
    talk.ask(sale, ticket=1)
    talk.ask(make_repeat(sale), ticket=2)
    step = talk.wait(15)
    assert [heard.outcome for heard in step.heard] == [Outcome.TIMEOUT] * 2
    assert [reversal.mti for reversal in sent(step)] == ["0420"]


def test_a_sale_and_its_repeat_each_get_an_answer() -> None:
    talk = Talk().sign_on()
    sale = purchase(stan=500)
    (frame,) = talk.ask(sale, ticket=1).frames
    talk.ask(make_repeat(sale), ticket=2)
    heard = talk.hear(approval(frame), approval(frame)).heard
    assert [(one.ticket, one.outcome) for one in heard] == [(1, Outcome.APPROVED), (2, Outcome.APPROVED)]


def test_a_reversal_asked_for_and_not_answered_is_told() -> None:
    talk = Talk().sign_on()
    sale = purchase(stan=500)
    asked = make_reversal(sale, talk.session.stamp(AT), mti="0400")
    talk.ask(asked, ticket=1)
    (told,) = sent(talk.wait(15))
    assert told.mti == "0420" and told.stan != asked.stan
    assert told.original == sale.original


def test_an_advice_of_the_till_is_owed_under_its_own_number() -> None:
    talk = Talk().sign_on()
    advice = make_reversal(purchase(stan=500), talk.session.stamp(AT), mti="0420")
    talk.ask(advice, ticket=1)
    (repeat,) = sent(talk.wait(15))
    assert (repeat.mti, repeat.stan) == ("0421", advice.stan)


def test_an_answer_for_another_terminal_or_a_larger_amount_is_not_ours() -> None:
    talk = Talk().sign_on()
    sale = talk.purchase()
    talk.hear(approval(sale.frame, de41="GULF0001"))
    talk.hear(approval(sale.frame, de4="000000012001"))
    talk.hear(answer(sale.frame, "51", {de.AMOUNT: "000000011999"}))  # only an approval may be for less
    assert talk.session.in_flight == 1 and talk.session.stray_answers == 3


def test_an_approval_for_less_is_an_approval() -> None:
    talk = Talk().sign_on()
    (heard,) = talk.hear(answer(talk.purchase().frame, "10", {4: "000000006000", 44: "partial"})).heard
    assert heard.outcome is Outcome.APPROVED


def test_a_quiet_link_is_asked_whether_it_is_there() -> None:
    talk = Talk().sign_on()
    assert talk.session.due() == 30
    (echo,) = sent(talk.wait(30))
    assert (echo.mti, echo.network_management_code) == ("0800", codes.ECHO)
    talk.hear(answer(echo.frame, "00"))
    assert talk.session.signed_on and talk.session.due() == 60


def test_a_link_that_does_not_answer_its_echo_is_given_up() -> None:
    talk = Talk().sign_on()
    talk.wait(30)
    assert talk.wait(15).hang_up is not None


def test_an_echo_from_the_switch_is_answered() -> None:
    talk = Talk().sign_on()
    theirs = DIALECT.encode("0800", {7: "1123205144", 11: "000009", 70: codes.ECHO})
    (back,) = sent(talk.hear(theirs))
    assert (back.mti, back.stan, back.response_code) == ("0810", "000009", "00")


def test_after_the_switch_signed_off_nothing_new_goes_out() -> None:
    talk = Talk().sign_on()
    talk.hear(DIALECT.encode("0800", {7: "1123205144", 11: "000009", 70: codes.SIGN_OFF}))
    assert talk.ask(purchase()).heard[0].outcome is Outcome.LINK_DOWN


def test_garbage_from_the_switch_is_noted_without_its_content() -> None:
    talk = Talk().sign_on()
    step = talk.hear(b"garbage 4111111111111111")
    assert step.notes and "4111" not in " ".join(step.notes)
    assert step.hang_up is None


def test_a_request_from_the_switch_is_noted_and_not_answered() -> None:
    talk = Talk().sign_on()
    sale = purchase()
    step = talk.hear(DIALECT.encode(sale.mti, sale.values))
    assert step.frames == [] and step.notes


def test_numbers_go_round_and_leave_out_what_is_in_use() -> None:
    session = Session(house(), DIALECT, stan=STANS - 2)
    assert [session.stamp(AT).stan for _ in range(3)] == ["999998", "999999", "000001"]
    talk = Talk(Session(house(), DIALECT, stan=STANS - 1)).sign_on()  # the sign-on took 999999
    sale = talk.purchase()
    assert sale.stan == "000001"
    talk.session._stan = 0
    assert talk.session.stamp(AT).stan == "000002"


Event = st.sampled_from(["sale", "approve", "decline", "wait", "long wait", "lose", "link"])


@settings(max_examples=60)
@given(st.lists(Event, max_size=40))
def test_every_sale_ends_once_and_what_is_in_doubt_is_reversed(events: list[str]) -> None:
    """Whatever happens, in any order: one outcome per sale; no approval seen and no doubt left without a reversal."""
    talk, linked = Talk(), False
    asked: dict[int, str] = {}  # ticket -> STAN
    unanswered: list[bytes] = []
    left_the_house: set[str] = set()
    ends: dict[int, Outcome] = {}
    reversed_originals: set[str] = set()

    def take(step) -> None:
        for heard in step.heard:
            assert heard.ticket not in ends
            ends[heard.ticket] = heard.outcome
        for message in sent(step):
            if message.mti in ("0420", "0421"):
                reversed_originals.add(message.original.stan)
                take(talk.hear(answer(message.frame, "00")))
            elif message.mti == "0800":
                take(talk.hear(answer(message.frame, "00")))
            else:
                unanswered.append(message.frame)
                left_the_house.add(message.stan)

    for event in events:
        if event == "sale":
            ticket = len(asked) + 1
            request = purchase(stan=int(talk.session.stamp(AT).stan))
            asked[ticket] = request.stan
            take(talk.ask(request, ticket))
        elif event in ("approve", "decline") and unanswered and linked:
            take(talk.hear({"approve": approval, "decline": decline}[event](unanswered.pop())))
        elif event in ("wait", "long wait"):
            take(talk.wait({"wait": 1, "long wait": 16}[event]))
        elif event == "lose" and linked:
            linked = False
            unanswered.clear()
            take(talk.lose())
        elif event == "link" and not linked:
            linked = True
            take(talk.session.connected(talk.now, AT))

    if not linked:
        take(talk.session.connected(talk.now, AT))
    for _ in range(4):
        take(talk.wait(61))
    assert ends.keys() == asked.keys()
    for ticket, outcome in ends.items():
        if outcome in (Outcome.APPROVED, Outcome.DECLINED):
            assert asked[ticket] not in reversed_originals
        elif asked[ticket] in left_the_house:
            assert asked[ticket] in reversed_originals
    assert talk.session.owed == () and talk.session.in_flight == 0


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_repeats_are_spread_by_a_fifth_either_way(chance: float) -> None:
    talk = Talk(Session(house(), DIALECT, stan=0, chance=lambda: chance)).sign_on()
    talk.purchase()
    talk.wait(15)
    assert talk.session.due() == pytest.approx(15 + 5 * (0.8 + 0.4 * chance))
