"""The rules of the road, T1 to T17, one test each or a few, in conversations with a core on a desk.

T16 (room to reverse on a full disk) is tested where the journal is.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from random import Random

import pytest

from protocols import elements as de
from protocols.message import Message
from protocols.participant import Participant, disagreements
from switch import ends
from switch.circuit import ONE_IN, PROBES_MAX, SICK_RUN, WELL_RUN
from switch.ends import Side
from switch.instant import Instant
from switch.records import Answered, Debt
from switch.saf import ALARM_S, IN_FLIGHT_MAX, StoreAndForward
from switch.shell.node import Node
from switch.shell.orders import answer
from switch.totals import Account, Totals
from tests.switch.desk import CREDIT_CARD, DIALECT, INTERNET_CARD, PURCHASE, SANDBOX_CARD, Desk, elements

KWD = "414"
DAY_S = 24 * 3600.0


def jumps(desk: Desk, seconds: float) -> None:
    """Time passes at once: one tick at its end."""
    desk.now = Instant(desk.now.elapsed + seconds, desk.now.wall + seconds)
    desk.core.tick(desk.now)
    desk.settle()


def approves(desk: Desk, issuer: int, shop: int, **changes: str) -> dict[str, str | None]:
    asked = desk.asks(shop, **changes)
    desk.answers(issuer, desk.hears(issuer))
    assert desk.hears(shop).response_code == "00"
    return asked


def told(desk: Desk, name: str) -> list[dict[str, object]]:
    return [dict(event.facts) for event in desk.events if event.name == name]


def test_t1_deadlines_shrink_inwards_or_the_agreement_is_refused() -> None:
    good = Participant.model_validate({"id": "x", "name": "X", "roles": ["issuer"], "institution_id": "1"})
    bad = good.model_copy(update={"deadlines": good.deadlines.model_copy(update={"issuer_s": 12.0})})
    assert not disagreements(good, {})
    assert disagreements(bad, {})


def test_t1_the_switch_answers_a_tenth_of_a_second_after_its_issuers_deadline() -> None:
    desk = Desk()
    desk.issuer()
    shop = desk.gateway()
    desk.asks(shop)
    desk.passes(8.1)
    assert desk.hears(shop).reason == "issuer.timeout"


def test_t2_a_repeat_gets_the_first_answer_whatever_it_was() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.answers(issuer, desk.hears(issuer), "51")
    first = desk.hears(shop)
    desk.asks(shop, "0101")
    assert desk.hears(shop).frame == first.frame
    assert desk.silent(issuer)


def test_t3_the_same_numbers_from_another_participant_are_another_request() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    other = desk.gateway(id="lab2")
    approves(desk, issuer, shop)
    desk.asks(other)
    assert desk.hears(issuer).mti == "0100"


def test_t3_after_a_day_a_key_is_only_known_as_used() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    approves(desk, issuer, shop)
    jumps(desk, DAY_S - 60)
    desk.asks(shop, "0101")
    assert desk.hears(shop).response_code == "00"
    jumps(desk, 120)
    for mti in ("0101", "0100"):
        desk.asks(shop, mti)
        answer = desk.hears(shop)
        assert (answer.response_code, answer.reason) == ("94", "duplicate.old")


def test_t3_what_is_owed_keeps_its_answer_alive() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000001000")
    assert desk.hears(shop).response_code == "00"  # stood in for: its advice is owed, and nobody takes it
    jumps(desk, 2 * DAY_S)
    desk.asks(shop, "0101", pan=INTERNET_CARD, currency=KWD, amount="000000001000")
    assert desk.hears(shop).response_code == "00"


def test_t3_an_old_key_is_looked_up_even_when_it_does_not_say_that_it_repeats() -> None:
    desk = Desk(remembers=3)
    issuer, shop = desk.issuer(), desk.gateway()
    approves(desk, issuer, shop)
    for turn in range(2, 8):
        approves(desk, issuer, shop, stan=f"{turn:06d}", transmitted_at=f"11181107{turn:02d}")
    desk.asks(shop)  # forgotten, and not marked as a repeat
    assert desk.hears(shop).response_code == "00"
    assert desk.silent(issuer)


def test_t3_a_request_whose_second_is_new_never_asks_the_archive() -> None:
    desk = Desk(remembers=3)
    issuer, shop = desk.issuer(), desk.gateway()
    for turn in range(1, 8):
        approves(desk, issuer, shop, stan=f"{turn:06d}", transmitted_at=f"11181107{turn:02d}")
    desk.core.take_sought = pytest.fail  # type: ignore[method-assign,assignment]
    approves(desk, issuer, shop, stan="000009", transmitted_at="1118110809")


def test_t3_the_same_second_of_another_year_is_another_request() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    approves(desk, issuer, shop)
    jumps(desk, 365 * DAY_S)
    desk.hangs_up(issuer)
    issuer = desk.issuer()
    desk.asks(shop)
    assert desk.hears(issuer).mti == "0100"


def test_t4_a_conflict_is_refused_and_people_hear_of_it() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    approves(desk, issuer, shop)
    desk.asks(shop, amount="000000010001")
    assert desk.hears(shop).reason == "duplicate.differs"
    assert told(desk, "duplicate.differs")
    assert desk.silent(issuer)


def test_t5_an_early_repeat_waits_for_the_same_answer() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.asks(shop, "0101")
    desk.answers(issuer, desk.hears(issuer))
    assert desk.hears(shop).frame == desk.hears(shop).frame
    assert desk.silent(issuer)


def test_t6_doubt_answer_and_reversal_owed_are_one_record() -> None:
    desk = Desk(commits=False)
    desk.commits = True
    desk.issuer()
    shop = desk.gateway()
    desk.asks(shop)
    desk.commits = False
    desk.passes(8.1)
    assert desk.silent(shop)  # not before it is on disk
    desk.commits = True
    desk.settle()
    assert desk.hears(shop).response_code == "91"
    record = next(one for one in desk.records() if isinstance(one, Answered))
    assert [debt.mti for debt in record.debts] == ["0420"]


@pytest.mark.parametrize("code", ["00", "51"])
def test_t7_a_late_answer_is_recorded_as_late_and_changes_nothing(code: str) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.passes(8.1)
    assert desk.hears(shop).response_code == "91"
    desk.answers(issuer, request, code)
    assert told(desk, "answer.late") == [{"participant": "sandbox", "approved": code == "00"}]
    assert desk.silent(shop)
    assert len(desk.core.issuers["sandbox"].saf) == 1  # it acknowledged nothing: the 0420 still goes


def debt(number: int, transaction: int | None = None) -> Debt:
    return Debt(number, transaction or number, "nbk", "0420", f"{number:06d}", {})


def test_t8_waits_double_up_to_a_minute_and_an_alarm_comes_at_the_sixth_try() -> None:
    saf = StoreAndForward(8.0, Random(1))
    saf.add(debt(1), 0.0)
    now, sent, alarms = 0.0, [], []
    while now < 400:
        for entry in saf.due(now):
            sent.append((now, entry.mti))
        saf.silent(now)
        alarms += [(now, entry.tries) for entry in saf.alarms(now)]
        now = round(now + 0.1, 1)
    assert [kind for _, kind in sent[:3]] == ["0420", "0421", "0421"]
    waits = [b[0] - a[0] - 8.0 for a, b in pairwise(sent)]
    for wait, meant in zip(waits, (1, 2, 4, 8, 16, 32, 60), strict=False):
        assert meant * 0.8 - 0.2 <= wait <= meant * 1.2 + 0.2
    assert [tries for _, tries in alarms] == [6]
    assert len(saf) == 1  # nothing expires


def test_t8_what_is_owed_for_ten_minutes_is_an_alarm_though_nobody_is_there() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000001000")
    jumps(desk, ALARM_S - 1)
    assert not told(desk, "saf.alarm")
    jumps(desk, 2)
    jumps(desk, 600)
    assert told(desk, "saf.alarm") == [{"participant": "nbk", "mti": "0120", "tries": 0}]


def test_t9_thirty_two_are_in_flight_and_order_holds_within_one_transaction() -> None:
    saf = StoreAndForward(8.0, Random(1))
    for number in range(1, 41):
        saf.add(debt(number), 0.0)
    saf.add(debt(50, transaction=1), 0.0)
    first = saf.due(0.0)
    assert len(first) == IN_FLIGHT_MAX
    saf.settle(first[0], 0.1)
    while entries := saf.due(0.2):
        for entry in entries:
            saf.settle(entry, 0.2)
        for entry in [one for one in first if one.debt.stan in saf and one is not first[0]]:
            saf.settle(entry, 0.2)
    assert len(saf) == 0


def test_t9_a_refusal_that_passes_by_itself_parks_nothing_and_a_parked_entry_can_be_freed() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.hears(issuer)
    desk.passes(8.1)
    saf = desk.core.issuers["sandbox"].saf
    for code, parked in (("91", False), ("05", True)):
        for _ in range(5):
            owed = [message for message in desk.heard.pop(issuer) if message.mti[1] == "4"]
            desk.answers(issuer, owed[-1], code)
            jumps(desk, 75)
        assert next(saf.entries()).parked is parked
    assert told(desk, "saf.parked")
    assert saf.retry(next(saf.entries()).debt.stan, desk.now.elapsed)
    desk.heard.pop(issuer, None)
    desk.passes(0.1)
    desk.answers(issuer, desk.hears(issuer), approval_code=None)
    assert len(saf) == 0


@pytest.mark.parametrize(("mti", "code"), [("0400", "25"), ("0420", "00")])
def test_t10_a_reversal_that_comes_first_buries_its_original_for_good(mti: str, code: str) -> None:
    desk = Desk(remembers=2)
    issuer, shop = desk.issuer(), desk.gateway()
    original: dict[str, str | None] = {**PURCHASE}
    desk.reverses(shop, original, mti)
    assert desk.hears(shop).response_code == code
    for turn in range(2, 8):  # enough for the memory to let the tombstone go
        other = {**original, "stan": f"{turn:06d}", "transmitted_at": f"11181107{turn:02d}"}
        desk.reverses(shop, other, stan=f"7{turn:05d}", transmitted_at=f"11181108{turn:02d}")
        desk.hears(shop)
    desk.asks(shop)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("94", "reversed.first")
    assert desk.silent(issuer)


def test_t11_a_second_reversal_moves_nothing() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = approves(desk, issuer, shop)
    for stan in ("000777", "000778"):
        desk.reverses(shop, asked, stan=stan)
        assert desk.hears(shop).response_code == "00"
    desk.answers(issuer, desk.hears(issuer), approval_code=None)
    assert desk.silent(issuer)


def leaving(amount: int) -> dict[str, str | None]:
    return {"replacement_amounts": f"{amount:012d}" + "0" * 30}


@pytest.mark.parametrize("restarts", [False, True])
def test_t11_parts_that_are_taken_back_are_never_more_than_the_whole(restarts: bool) -> None:
    """DE 95 says what is left: what was given back by an earlier part is not given back again, nor taken again."""
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, told = approves(desk, issuer, shop), list[Message]()
    for number, left in enumerate((6000, 6000, 9000, 2500, 4000), 1):
        desk.reverses(shop, asked, stan=f"0008{number:02d}", **leaving(left))
        assert desk.hears(shop).response_code == "00"
        while not desk.silent(issuer):
            told.append(desk.hears(issuer))
            desk.answers(issuer, told[-1], approval_code=None)
        if restarts:
            desk = desk.restarted()
            issuer, shop = desk.issuer(), desk.gateway()
    desk.reverses(shop, asked, stan="000899")
    told.append(desk.hears(issuer))
    stands = [int((message.get(de.REPLACEMENT_AMOUNTS) or "0" * 12)[:12]) for message in told]
    assert stands == [6000, 2500, 0]


def test_t11_the_totals_of_parts_add_up_to_the_whole() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop, "0200")
    desk.answers(issuer, desk.hears(issuer))
    asked["mti"] = "0200"
    for number, left in enumerate((6000, 6000, 2500, 0), 1):
        desk.reverses(shop, asked, stan=f"0008{number:02d}", **(leaving(left) if left else {}))
    totals = Totals()
    for record in desk.records():
        totals.take(record)
    for who, side in (("lab", Side.GATEWAY), ("sandbox", Side.ISSUER)):
        said = totals.of(Account(who, side, date(2026, 11, 18), "784")).elements()
        assert int(said[de.DEBITS_AMOUNT]) == int(said[de.DEBITS_REVERSAL_AMOUNT]) == 10000


def test_t11_what_was_given_back_of_a_reservation_cannot_be_taken() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = approves(desk, issuer, shop)
    desk.reverses(shop, asked, **leaving(6000))
    past = desk.core.memory.recall(f"lab/1/{asked['transmitted_at']}{asked['stan']}{asked['terminal_id']}")
    assert past is not None
    assert (past.reserved, past.left, past.to_take) == (10000, 6000, 6000)


@pytest.mark.parametrize("mti", ["0120", "0220"])
def test_t12_an_advice_for_a_card_that_nobody_issues_is_acknowledged_and_told_to_people(mti: str) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop, mti, pan="9999999999999995")
    assert desk.hears(shop).response_code == "00"
    assert [event.facts["slug"] for event in desk.events if event.name == "advice.contradicts"] == ["issuer.unknown"]
    assert desk.silent(issuer)
    [record] = [one for one in desk.records() if isinstance(one, Answered)]
    assert (record.response_code, record.debts) == ("00", [])
    desk = desk.restarted()
    shop = desk.gateway()
    desk.asks(shop, f"{mti[:3]}1", pan="9999999999999995")
    assert desk.hears(shop).response_code == "00"


@pytest.mark.parametrize("mti", ["0120", "0220"])
def test_t12_an_advice_without_a_rate_is_acknowledged_and_passed_on(mti: str) -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, mti, pan=INTERNET_CARD, currency="578")  # Norwegian kroner: the network has no rate
    assert desk.hears(shop).response_code == "00"
    assert [event.facts["slug"] for event in desk.events if event.name == "advice.contradicts"] == ["rate.none"]
    owed = desk.hears(issuer)
    assert (owed.mti, owed.get(de.CURRENCY), owed.get(de.BILLING_AMOUNT)) == (mti, "578", None)


def test_t12_an_advice_is_acknowledged_though_business_objects() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.reverses(shop, {**PURCHASE}, "0420", original=f"0100999999{'1118110640'}{'0' * 22}")
    assert desk.hears(shop).response_code == "00"


def stands_in(desk: Desk, shop: int, number: int, amount: int, **changes: str) -> Message:
    values = {"pan": INTERNET_CARD, "currency": KWD, "amount": f"{amount:012d}", "stan": f"{number:06d}", **changes}
    desk.asks(shop, **values)
    return desk.hears(shop)


def test_t13_stand_in_is_counted_by_card_and_business_date_and_a_restart_counts_again() -> None:
    desk = Desk()
    shop = desk.gateway()
    for number in range(1, 4):
        assert stands_in(desk, shop, number, 20_000).response_code == "00"
    assert stands_in(desk, shop, 4, 1_000).reason == "issuer.down"  # 60.000 a day are spent
    assert stands_in(desk, shop, 5, 1_000, pan=CREDIT_CARD).response_code == "00"  # another card
    after = desk.restarted()
    shop = after.gateway()
    assert stands_in(after, shop, 6, 1_000).reason == "issuer.down"
    jumps(after, DAY_S)
    assert stands_in(after, shop, 7, 1_000).response_code == "00"


def test_t13_so_many_a_day_and_no_more() -> None:
    desk = Desk()
    shop = desk.gateway()
    codes = [stands_in(desk, shop, number, 100).response_code for number in range(1, 10)]
    assert codes == ["00"] * 8 + ["91"]


def test_t13_the_issuers_later_disagreement_is_told() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000020000")
    request = desk.hears(issuer)
    desk.passes(8.1)
    assert desk.hears(shop).response_code == "00"
    desk.answers(issuer, request, "51")
    assert told(desk, "stand_in.disputed") == [{"participant": "nbk", "response_code": "51"}]


def test_t13_planned_stand_in_while_the_issuer_is_signed_off_and_back() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    desk.says(issuer, "0800", network_management_code="002")
    assert desk.hears(issuer).response_code == "00"
    assert stands_in(desk, shop, 1, 1_000).response_code == "00"
    desk.says(issuer, "0800", network_management_code="001")
    assert {desk.hears(issuer).mti, desk.hears(issuer).mti} == {"0810", "0120"}
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000001000", stan="000002")
    assert desk.hears(issuer).mti == "0100"


def test_t14_a_number_is_not_used_twice_with_one_de_7(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "STAN_LAST", 5)
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    seen = set()
    for number in range(1, 6):
        desk.asks(shop, stan=f"{number:06d}")
        if not desk.silent(issuer):
            request = desk.hears(issuer)
            assert request.stan not in seen
            seen.add(request.stan)
            desk.answers(issuer, request)
    assert len(seen) >= 4
    desk.heard.pop(shop)
    desk.asks(shop, stan="000009")
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("96", "stan.exhausted")
    desk.asks(shop, stan="000010", transmitted_at="1118110641")
    assert desk.hears(issuer).stan in seen


def test_t14_numbers_and_their_seconds_survive_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "STAN_LAST", 4)
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    seen = []
    for number in (1, 2):
        desk.asks(shop, stan=f"{number:06d}")
        request = desk.hears(issuer)
        seen.append(request.stan)
        desk.answers(issuer, request)
    after = desk.restarted()
    issuer, shop = after.issuer(), after.gateway()
    for number in (3, 4):
        after.asks(shop, stan=f"{number:06d}")
        if not after.silent(issuer):
            assert after.hears(issuer).stan not in seen


def test_t15_sent_and_not_answered_is_reversed_and_never_sent_again() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.hears(issuer)
    after = desk.restarted()
    issuer, shop = after.issuer(), after.gateway()
    assert after.hears(issuer).mti == "0420"
    after.asks(shop, "0101")
    assert after.hears(shop).reason == "reversed.undelivered"
    assert after.silent(issuer)


def test_t17_an_approval_that_no_byte_left_of_is_undone_and_an_acknowledgement_is_not() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = approves(desk, issuer, shop)
    desk.commits = False
    desk.reverses(shop, asked)
    desk.hangs_up(shop)
    desk.commits = True
    desk.settle()  # nobody hears the 0430: what it tells has happened all the same
    assert [desk.hears(issuer).mti] == ["0420"]
    assert desk.silent(issuer)


# The circuit


def test_a_link_that_does_not_answer_is_not_fed_and_is_probed_until_it_is_well() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    for number in range(1, SICK_RUN + 1):
        desk.asks(shop, stan=f"{number:06d}")
    desk.passes(8.1)
    assert told(desk, "circuit.turned")[-1]["state"] == "open"
    desk.heard.pop(shop), desk.heard.pop(issuer)
    desk.asks(shop, stan="000100")
    assert desk.hears(shop).reason == "issuer.down"  # at once, and nothing is owed for it
    desk.passes(2.1)
    echo = next(message for message in desk.heard.pop(issuer) if message.mti == "0800")
    desk.frames(issuer, echo.answered({de.RESPONSE_CODE: "00"}))
    for number in range(200, 200 + ONE_IN * WELL_RUN):
        desk.asks(shop, stan=f"{number:06d}")
        for message in [one for one in desk.heard.pop(issuer, []) if one.mti == "0100"]:
            desk.answers(issuer, message)
    assert told(desk, "circuit.turned")[-1]["state"] == "closed"
    desk.heard.pop(shop)
    approves(desk, issuer, shop, stan="000900")


@pytest.mark.parametrize("one_by_one", [0, 3, 4, 400])
def test_a_half_open_circuit_puts_no_more_at_risk_than_its_probes(one_by_one: int) -> None:
    """Also where a whole read of requests comes at one moment, and all of them could take the lane."""
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    for number in range(1, 9):  # the lane is laid, the link is well
        approves(desk, issuer, shop, stan=f"{number:06d}")
    for number in range(10, 10 + SICK_RUN):
        desk.asks(shop, stan=f"{number:06d}")
    desk.passes(8.1)
    desk.passes(2.1)
    echo = next(message for message in desk.heard.pop(issuer) if message.mti == "0800")
    desk.frames(issuer, echo.answered({de.RESPONSE_CODE: "00"}))
    frames = [DIALECT.encode("0100", elements({**PURCHASE, "stan": f"{number:06d}"})) for number in range(300, 700)]
    desk.asks(shop, stan="000299", rrn=None)  # the long way: it counts as a turn of its own
    for frame in frames[:one_by_one]:
        desk.frames(shop, frame)
    desk.frames(shop, *frames[one_by_one:])
    assert sum(message.mti == "0100" for message in desk.heard.pop(issuer)) == PROBES_MAX


def test_a_sick_link_sends_its_traffic_to_the_healthy_one() -> None:
    desk = Desk()
    sick, well, shop = desk.issuer(), desk.issuer(), desk.gateway()
    for number in range(1, 2 * SICK_RUN + 1):
        desk.asks(shop, stan=f"{number:06d}")
        for message in [one for one in desk.heard.pop(well, []) if one.mti == "0100"]:
            desk.answers(well, message)
    desk.passes(8.1)
    desk.heard.pop(sick)
    for number in range(50, 60):
        desk.asks(shop, stan=f"{number:06d}", pan=SANDBOX_CARD)
    assert sum(message.mti == "0100" for message in desk.heard[well]) == 10
    assert not any(message.mti == "0100" for message in desk.heard.get(sick, []))


# People, and what is owed


@pytest.mark.trio
async def test_people_see_what_is_owed_and_let_a_parked_entry_go() -> None:
    desk = Desk()
    shop = desk.gateway()
    stands_in(desk, shop, 1, 1_000)
    node = Node(desk.core, None)  # type: ignore[arg-type]
    seen = (await answer(node, {"do": "saf-list"}))["ok"]
    assert seen["count"] == 1
    one = seen["owed"][0]
    assert (one["issuer"], one["mti"], one["parked"]) == ("nbk", "0120", False)
    assert INTERNET_CARD not in str(seen)

    park = {"do": "saf-park", "issuer": "nbk", "stan": one["stan"]}
    assert await answer(node, park) == {"ok": True}
    assert (await answer(node, {"do": "saf-list"}))["ok"]["owed"][0]["parked"]
    issuer = desk.issuer("nbk")
    desk.passes(5)
    assert desk.silent(issuer)

    desk = desk.restarted()
    issuer = desk.issuer("nbk")
    desk.passes(5)
    assert desk.silent(issuer)  # a restart does not undo what people decided

    bank = desk.core.issuers["nbk"]
    assert desk.core.retry(bank, one["stan"], desk.now)
    desk.passes(0.1)
    assert desk.hears(issuer).mti == "0120"
    assert "error" in await answer(node, {"do": "saf-retry", "issuer": "nbk", "stan": "999999"})


def test_an_issuer_may_have_several_hosts() -> None:
    agreed = {"id": "x", "name": "X", "roles": ["issuer"], "institution_id": "1"}
    for dial, dialled in (
        (None, ()),
        ("127.0.0.1:8601", ("127.0.0.1:8601",)),
        (["127.0.0.1:8601", "127.0.0.1:8602"], ("127.0.0.1:8601", "127.0.0.1:8602")),
    ):
        assert Participant.model_validate({**agreed, "dial": dial}).dialled == dialled
