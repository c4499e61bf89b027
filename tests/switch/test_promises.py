"""Conversations in which something goes wrong: silence, repeats, reversals, crashes, lost links.

Each ends with what must now be true.
"""

from __future__ import annotations

import pytest

from protocols import elements as de
from protocols.original import Original
from switch import records
from tests.switch.desk import CREDIT_CARD, DEBIT_CARD, INTERNET_CARD, PURCHASE, SANDBOX_CARD, Desk

KWD = "414"


def test_a_silent_issuer_is_answered_for_and_reversed_until_it_acknowledges() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.passes(7.9)
    assert desk.silent(shop)
    desk.passes(0.2)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("91", "issuer.timeout")

    reversal = desk.hears(issuer)
    assert reversal.mti == "0420"
    assert reversal.original == Original("0100", request.stan or "", PURCHASE["transmitted_at"], "784001")
    assert reversal.get(de.PAN) == SANDBOX_CARD
    desk.passes(12)
    repeat = desk.hears(issuer)
    assert repeat.mti == "0421"
    assert repeat.frame[4:] == reversal.frame[4:]  # the same message, under the repeat's type
    desk.answers(issuer, repeat, approval_code=None)
    desk.passes(29)
    assert desk.silent(issuer)


def test_a_late_approval_is_not_forwarded() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.passes(8.1)
    assert desk.hears(shop).response_code == "91"
    reversal = desk.hears(issuer)
    desk.answers(issuer, request)  # too late; and it acknowledges nothing
    desk.answers(issuer, reversal, approval_code=None)
    assert desk.silent(shop)
    assert len(desk.core.issuers["sandbox"].saf) == 0


@pytest.mark.parametrize(
    "nonsense",
    [
        {"response_code": None},
        {"response_code": "zz"},
        {"response_code": "11"},
        {"response_code": "00"},  # approved without an approval code
    ],
)
def test_an_answer_without_sense_is_no_answer(nonsense: dict[str, str | None]) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.frames(issuer, request.answered({de.element_named(name).number: value for name, value in nonsense.items()}))
    assert desk.hears(shop).response_code == "91"
    assert desk.hears(issuer).mti == "0420"


def test_an_issuer_that_is_not_there_owes_nothing_and_is_owed_nothing() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.asks(shop)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("91", "issuer.down")
    assert len(desk.core.issuers["sandbox"].saf) == 0


def test_the_switch_stands_in_within_the_limit_and_owes_the_advice() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000020000")
    answer = desk.hears(shop)
    assert answer.response_code == "00"
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000020001", stan="000002")
    assert desk.hears(shop).reason == "issuer.down"

    issuer = desk.issuer("nbk")  # it returns
    advice = desk.hears(issuer)
    assert (advice.mti, advice.response_code, advice.approval_code) == ("0120", "00", answer.approval_code)
    assert advice.amount == 20000
    desk.answers(issuer, advice, approval_code=None)
    desk.passes(60)
    assert all(message.mti == "0800" for message in desk.heard.get(issuer, []))


def test_a_silent_issuer_is_stood_in_for_and_its_late_approval_is_not_reversed() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000020000")
    request = desk.hears(issuer)
    desk.passes(8.1)
    assert desk.hears(shop).response_code == "00"
    advice = desk.hears(issuer)
    assert advice.mti == "0120"
    assert advice.original is not None
    assert (advice.original.mti, advice.original.stan) == ("0100", request.stan)  # the advice takes the 0420's place
    desk.answers(issuer, request)
    desk.answers(issuer, advice, approval_code=None)
    assert desk.silent(issuer)


def test_nobody_stands_in_for_a_pin_or_for_cash() -> None:
    desk = Desk()
    shop = desk.gateway()
    at_the_machine = {"pos_entry_mode": "051", "pos_condition_code": "02", "merchant_type": "6011"}
    desk.asks(shop, pan=CREDIT_CARD, currency=KWD, amount="000000001000", processing_code="010000", **at_the_machine)
    assert desk.hears(shop).reason == "issuer.down"
    desk.asks(shop, "0200", pan=CREDIT_CARD, currency=KWD, amount="000000001000", stan="000002")
    assert desk.hears(shop).reason == "issuer.down"


def test_a_lost_issuer_link_puts_its_requests_in_doubt_at_once() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.hears(issuer)
    desk.hangs_up(issuer)
    assert desk.hears(shop).response_code == "91"
    back = desk.issuer()
    assert desk.hears(back).mti == "0420"


# Repeats


def test_a_repeat_gets_the_first_answer_and_the_issuer_sees_one_request() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.asks(shop, "0101")  # still in flight: it waits
    assert desk.silent(issuer)
    desk.answers(issuer, request)
    first, second = desk.hears(shop), desk.hears(shop)
    desk.asks(shop, "0101")  # answered: from memory
    third = desk.hears(shop)
    assert first.frame == second.frame == third.frame
    assert desk.silent(issuer)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize(
    "change",
    [{"amount": "000000009999"}, {"pan": "5500005555555559"}, {"processing_code": "200000"}, {"currency": "840"}],
)
def test_the_same_key_with_other_content_is_refused(change: dict[str, str], answered: bool) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    if answered:
        desk.answers(issuer, request)
        assert desk.hears(shop).response_code == "00"
    desk.asks(shop, **change)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("94", "duplicate.differs")
    assert desk.silent(issuer)


def test_a_repeat_after_a_restart_gets_the_first_answer() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.answers(issuer, desk.hears(issuer))
    first = desk.hears(shop)
    after = desk.restarted()
    issuer, shop = after.issuer(), after.gateway()
    after.asks(shop, "0101")
    assert after.hears(shop).frame == first.frame
    assert after.silent(issuer)


# Reversals


def approved(desk: Desk, issuer: int, shop: int, **changes: str) -> dict[str, str | None]:
    asked = desk.asks(shop, **changes)
    desk.answers(issuer, desk.hears(issuer))
    assert desk.hears(shop).response_code == "00"
    return asked


def test_a_reversal_is_taken_upon_ourselves_and_delivered() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = approved(desk, issuer, shop)
    desk.reverses(shop, asked, "0400")
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code) == ("0410", "00")
    reversal = desk.hears(issuer)
    assert (reversal.mti, reversal.approval_code) == ("0420", "A1B2C3")
    desk.answers(issuer, reversal, approval_code=None)
    desk.reverses(shop, asked, "0400", stan="000778")  # again: the same answer, nothing moves
    assert desk.hears(shop).response_code == "00"
    desk.passes(5)
    assert desk.silent(issuer)


def test_a_reversal_before_its_original_buries_it() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = {**PURCHASE}
    desk.reverses(shop, asked, "0400")
    assert (answer := desk.hears(shop)).response_code == "25", answer
    desk.asks(shop)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("94", "reversed.first")
    assert desk.silent(issuer)
    after = desk.restarted()
    shop = after.gateway()
    after.asks(shop)
    assert after.hears(shop).reason == "reversed.first"


def test_an_advice_of_reversal_of_something_unknown_is_acknowledged() -> None:
    desk = Desk()
    shop = desk.gateway()
    desk.reverses(shop, {**PURCHASE}, "0420")
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code) == ("0430", "00")


def test_a_reversal_of_a_request_in_flight_ends_it() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop)
    request = desk.hears(issuer)
    desk.reverses(shop, asked)
    ended, answer = desk.hears(shop), desk.hears(shop)
    assert (ended.mti, ended.reason) == ("0110", "reversed.first")
    assert (answer.mti, answer.response_code) == ("0430", "00")
    assert desk.hears(issuer).mti == "0420"
    desk.answers(issuer, request)  # too late
    assert desk.silent(shop)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "000000010001"}, "13"),
        ({"currency": "840"}, "12"),
        ({"pan": "5500005555555559"}, "25"),
        ({"terminal_id": "LAB00009"}, "25"),
    ],
)
def test_a_reversal_that_contradicts_its_original_is_refused(changes: dict[str, str], code: str) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = approved(desk, issuer, shop)
    desk.reverses(shop, asked, "0400", **changes)
    assert desk.hears(shop).response_code == code
    desk.reverses(shop, asked, "0420", **{"stan": "000779", **changes})
    assert desk.hears(shop).response_code == "00"  # an advice is acknowledged all the same
    assert desk.silent(issuer)


def test_a_declined_original_has_nothing_to_reverse() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop)
    desk.answers(issuer, desk.hears(issuer), "51")
    desk.hears(shop)
    desk.reverses(shop, asked, "0400")
    assert desk.hears(shop).response_code == "00"
    assert desk.silent(issuer)


def test_a_stand_in_approval_is_advised_before_it_is_reversed() -> None:
    desk = Desk()
    shop = desk.gateway()
    asked = desk.asks(shop, pan=INTERNET_CARD, currency=KWD, amount="000000020000")
    assert desk.hears(shop).response_code == "00"
    desk.reverses(shop, asked)
    assert desk.hears(shop).response_code == "00"
    issuer = desk.issuer("nbk")
    advice = desk.hears(issuer)
    assert advice.mti == "0120"
    desk.passes(1)
    assert desk.silent(issuer)  # order holds within one transaction
    desk.answers(issuer, advice, approval_code=None)
    assert desk.hears(issuer).mti == "0420"


# Crashes and lost gateways


def test_what_was_sent_and_not_answered_is_reversed_after_a_crash() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)

    after = desk.restarted()
    issuer, shop = after.issuer(), after.gateway()
    reversal = after.hears(issuer)
    assert reversal.mti == "0420"
    assert reversal.original is not None
    assert reversal.original.stan == request.stan
    after.asks(shop, "0101")
    answer = after.hears(shop)
    assert (answer.response_code, answer.reason) == ("68", "reversed.undelivered")
    again = after.restarted()  # and a second crash owes it still, once
    assert [debt.debt.mti for debt in again.core.issuers["sandbox"].saf.entries()] == ["0420"]


def test_what_was_answered_before_a_crash_stays_answered() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    approved(desk, issuer, shop)
    after = desk.restarted()
    issuer = after.issuer()
    after.passes(2)
    assert after.silent(issuer)


def test_debts_and_numbers_survive_a_crash() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.passes(8.1)
    request, reversal = desk.hears(issuer), desk.hears(issuer)
    after = desk.restarted()
    issuer, shop = after.issuer(), after.gateway()
    again = after.hears(issuer)
    assert (again.stan, again.original) == (reversal.stan, reversal.original)
    after.asks(shop, stan="000002")
    assert int(after.hears(issuer).stan or 0) > int(reversal.stan or 0) > int(request.stan or 0)


def test_an_approval_that_nobody_hears_is_reversed_and_the_repeat_is_told() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.hangs_up(shop)
    desk.answers(issuer, request)
    assert desk.hears(issuer).mti == "0420"
    back = desk.gateway()
    desk.asks(back, "0101")
    assert desk.hears(back).reason == "reversed.undelivered"


def test_a_decline_that_nobody_hears_owes_nothing() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    desk.hangs_up(shop)
    desk.answers(issuer, request, "51")
    assert desk.silent(issuer)


def test_a_stop_answers_or_reverses_everything() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.hears(issuer)
    desk.core.draining = True
    desk.asks(shop, stan="000002")
    assert desk.hears(shop).reason == "switch.stopping"
    desk.core.give_up(desk.now)
    desk.settle()
    assert desk.hears(shop).response_code == "91"
    assert desk.core.is_idle
    assert any(isinstance(record, records.Answered) and record.debts for record in desk.records())


# Store and forward


def test_a_poisoned_entry_is_parked_and_blocks_nobody() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    purchases = [approved(desk, issuer, shop, stan=stan) for stan in ("000001", "000002")]
    for asked in purchases:
        desk.reverses(shop, asked, stan=f"9{(asked['stan'] or '')[1:]}")
        desk.hears(shop)
    poisoned, good = desk.hears(issuer), desk.hears(issuer)
    desk.answers(issuer, poisoned, "12")
    desk.answers(issuer, good, approval_code=None)
    for _ in range(4):
        desk.passes(70)
        repeats = [message for message in desk.heard[issuer] if message.mti == "0421"]
        desk.heard[issuer].clear()
        desk.answers(issuer, repeats[0], "12")
    desk.passes(200)
    assert not [message for message in desk.heard.get(issuer, []) if message.mti == "0421"]
    (entry,) = desk.core.issuers["sandbox"].saf.entries()
    assert entry.parked
    assert "saf.parked" in [event.name for event in desk.events]


# The HSM


def test_a_pin_is_translated_from_zone_to_zone() -> None:
    desk = Desk()
    issuer, machine, hsm = desk.issuer("nbk"), desk.gateway("nbk"), desk.hsm()
    cash(desk, machine)
    command = desk.hsm_hears(hsm)
    assert command.command == "CC"
    assert command.fields["pin_block"] == "0123456789ABCDEF"
    desk.hsm_answers(hsm, command, pin_length="04", pin_block="FEDCBA9876543210", format="01")
    request = desk.hears(issuer)
    assert request.pin_block == "FEDCBA9876543210"
    desk.answers(issuer, request)
    answer = desk.hears(machine)
    assert answer.response_code == "00"
    assert answer.pin_block is None


@pytest.mark.parametrize(("error", "slug"), [("20", "pin.wrong"), ("24", "pin.wrong"), ("10", "hsm.down")])
def test_what_the_hsm_refuses_is_declined(error: str, slug: str) -> None:
    desk = Desk()
    issuer, machine, hsm = desk.issuer("nbk"), desk.gateway("nbk"), desk.hsm()
    cash(desk, machine)
    desk.hsm_answers(hsm, desk.hsm_hears(hsm), error)
    assert desk.hears(machine).reason == slug
    assert desk.silent(issuer)


def test_without_the_hsm_a_pin_is_declined_and_the_rest_flows() -> None:
    desk = Desk()
    issuer, machine, shop = desk.issuer("nbk"), desk.gateway("nbk"), desk.gateway()
    cash(desk, machine)
    assert desk.hears(machine).reason == "hsm.down"
    hsm = desk.hsm()
    cash(desk, machine, stan="000002")
    desk.passes(1.1)  # it is there and silent
    assert desk.hears(machine).reason == "hsm.down"
    cash(desk, machine, stan="000003")
    desk.hangs_up(hsm)
    assert desk.hears(machine).reason == "hsm.down"
    desk.asks(shop, pan=INTERNET_CARD, currency=KWD)
    assert desk.hears(issuer).mti == "0100"


def cash(desk: Desk, machine: int, stan: str = "000001") -> None:
    desk.asks(
        machine,
        "0200",
        pan=DEBIT_CARD,
        stan=stan,
        processing_code="010000",
        amount="000000020000",
        currency=KWD,
        merchant_type="6011",
        pos_entry_mode="051",
        pos_condition_code="02",
        terminal_id="NBKATM01",
        card_acceptor_id="NBKATM000000001",
        pin_block="0123456789ABCDEF",
    )


# Secrets


def test_no_secret_of_a_message_reaches_a_record_or_an_event() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    secrets = {
        "track_2": f"{SANDBOX_CARD}=29121011234500000000",
        "pin_block": "A5A5C3C3B4B4D2D2",
        "private_data": "420205" + "9203987",
        "icc_data": "9F2608A1B2C3D4E5F60718",
    }
    desk.asks(shop, **secrets)
    request = desk.hears(issuer)
    assert request.private_data == secrets["private_data"]  # the issuer needs it
    desk.answers(issuer, request)
    desk.hears(shop)
    written = b"".join(desk.disk) + repr(desk.events).encode()
    for value in ("=29121011234500000000", "A5A5C3C3B4B4D2D2", "9203987", "A1B2C3D4E5F60718"):
        assert value.encode() not in written
    assert SANDBOX_CARD.encode() in written  # reversals need it; the journal seals every batch


# Reversals in part, and advices that come in


def test_a_partial_reversal_leaves_a_part_and_can_be_followed_by_a_full_one() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    asked = approved(desk, issuer, shop, pan=INTERNET_CARD, amount="000000012000")  # AED 120.00
    part = "000000006000" + "0" * 30
    desk.reverses(shop, asked, "0400", replacement_amounts=part)
    assert desk.hears(shop).response_code == "00"
    reversal = desk.hears(issuer)
    assert reversal.get(de.REPLACEMENT_AMOUNTS) == part
    desk.answers(issuer, reversal, approval_code=None)
    record = desk.records()[-2]
    assert isinstance(record, records.Answered)
    assert record.left == 4992  # AED 60.00 in fils
    desk.reverses(shop, asked, "0400", stan="000779")
    assert desk.hears(shop).response_code == "00"
    assert desk.hears(issuer).get(de.REPLACEMENT_AMOUNTS) is None
    desk.reverses(shop, asked, "0400", stan="000780", replacement_amounts="000000012001" + "0" * 30)
    assert desk.hears(shop).reason == "amount.above_original"


def test_a_reversal_of_itself_or_of_a_reversal_finds_nothing() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = approved(desk, issuer, shop)
    itself = f"04000007771118110700{'0' * 22}"
    for stan, original in (("000777", itself), ("000778", itself), ("000779", f"0800{itself[4:]}")):
        desk.reverses(shop, asked, "0400", stan=stan, original=original)
        assert desk.hears(shop).reason == "original.unknown"


def test_a_reversal_through_another_acquirer_finds_nothing() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = approved(desk, issuer, shop)
    original = f"0100{asked['stan']}{asked['transmitted_at']}"
    desk.reverses(shop, asked, "0400", original=f"{original}00000784002{'0' * 11}")
    assert desk.hears(shop).reason == "original.unknown"
    desk.reverses(shop, asked, "0400", stan="000778", original=f"{original}{'0' * 22}")  # not stated
    assert desk.hears(shop).response_code == "00"


def test_an_advice_that_comes_in_is_acknowledged_and_passed_on() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    desk.asks(shop, "0120", pan=INTERNET_CARD, response_code="00", approval_code="654321")
    assert (answer := desk.hears(shop)).mti == "0130"
    assert answer.response_code == "00"
    advice = desk.hears(issuer)
    assert (advice.mti, advice.approval_code, advice.get(de.BILLING_AMOUNT)) == ("0120", "654321", "000000008320")
    desk.answers(issuer, advice, approval_code=None)
    assert len(desk.core.issuers["nbk"].saf) == 0


def test_a_partial_approval_is_undone_for_a_gateway_that_takes_none() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.answers(issuer, desk.hears(issuer), "10", approval_code="A1B2C3", amount="000000005000")
    assert (answer := desk.hears(shop)).response_code == "51", answer
    assert answer.amount == 10000
    assert desk.hears(issuer).mti == "0420"


# Who is who


def test_a_gateway_cannot_make_itself_an_issuers_link() -> None:
    desk = Desk()
    shop, intruder = (
        desk.gateway(),
        desk.gateway("nbk"),
    )  # the laboratory port believes a sign-on; it is a gateway all the same
    for number in (shop, intruder):
        desk.says(
            number,
            "0810",
            network_management_code="001",
            response_code="00",
            transmitted_at="1118110640",
            stan="000001",
        )
    desk.asks(shop, pan=CREDIT_CARD, currency=KWD, amount="000000060000")
    assert desk.hears(shop).reason == "issuer.down"
    assert desk.silent(intruder)


def test_an_issuers_link_takes_no_requests() -> None:
    desk = Desk()
    issuer = desk.issuer("nbk")
    desk.asks(issuer, pan=CREDIT_CARD, currency=KWD)
    answer = desk.hears(issuer)
    assert (answer.mti, answer.reason) == ("0110", "type.unknown")


# What is older than the memory


def test_a_repeat_and_a_reversal_reach_back_beyond_the_memory() -> None:
    desk = Desk(remembers=2)
    issuer, shop = desk.issuer(), desk.gateway()
    old = approved(desk, issuer, shop)
    for number in range(2, 6):
        approved(desk, issuer, shop, stan=f"{number:06d}")
    desk.asks(shop, "0101")
    assert (desk.hears(shop).approval_code, desk.silent(issuer)) == ("A1B2C3", True)
    for number in range(6, 9):
        approved(desk, issuer, shop, stan=f"{number:06d}")
    desk.reverses(shop, old, "0400")
    assert desk.hears(shop).response_code == "00"
    reversal = desk.hears(issuer)
    assert (reversal.mti, reversal.original and reversal.original.stan) == ("0420", "000002")
    desk.answers(issuer, reversal, approval_code=None)
    for number in range(9, 12):
        approved(desk, issuer, shop, stan=f"{number:06d}")
    desk.reverses(shop, old, "0400", stan="000778")  # reversed long ago
    assert desk.hears(shop).response_code == "00"
    desk.reverses(shop, {**old, "stan": "000999"}, "0400", stan="000779")  # never seen
    assert desk.hears(shop).reason == "original.unknown"
    assert desk.silent(issuer)
    desk.asks(shop, "0101", stan="000998")  # a repeat whose first never came is a first
    assert desk.hears(issuer).mti == "0100"


# Mistakes of our own, and the end of the numbers


def test_a_mistake_of_ours_declines_and_undoes(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    request = desk.hears(issuer)
    monkeypatch.setattr("switch.issuer_answer.relayed", lambda *_: 1 / 0)
    desk.answers(issuer, request)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("96", "switch.error")
    assert desk.hears(issuer).mti == "0420"
    (event,) = [event for event in desk.events if event.name == "story.failed"]
    assert event.facts == {"error": "ZeroDivisionError", "mti": "0100"}


def test_when_all_numbers_are_out_nothing_is_sent_and_nobody_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switch.ends.STAN_LAST", 3)
    desk = Desk()
    desk.issuer("nbk")
    shop = desk.gateway()
    heard = []
    for number in range(1, 5):
        desk.asks(shop, stan=f"{number:06d}", pan=INTERNET_CARD, currency=KWD, amount="000000001000")
        heard += [message.reason for message in desk.heard.pop(shop, [])]
    assert heard == ["stan.exhausted"]
