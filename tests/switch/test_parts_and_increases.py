"""Reservations that grow and are taken in parts: increases (0100), completions (0220) and requests to take (0200)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocols import subelements
from switch.memory import Memory
from switch.records import Answered
from switch.recovery import Recovery
from tests.switch.desk import DEBIT_CARD, PURCHASE, Desk
from tests.switch.test_completion import completes, reserved, troubles

Asked = dict[str, str | None]


def named(asked: Asked) -> str:
    """DE 90 for what was asked."""
    return f"0100{asked['stan']}{asked['transmitted_at']}{'0' * 22}"


def increases(desk: Desk, shop: int, asked: Asked, **changes: str | None) -> Asked:
    return desk.asks(shop, **{"stan": "000002", "original": named(asked), "amount": "000000002000", **changes})


def takes(desk: Desk, shop: int, asked: Asked, **changes: str | None) -> tuple[str, str]:
    """A 0200 that names a reservation; response code, and reason or approval code."""
    desk.asks(shop, "0200", **{"stan": "000700", "original": named(asked), **changes})
    answer = desk.hears(shop)
    assert answer.mti == "0210"
    return answer.response_code or "", answer.reason or answer.approval_code or ""


def amounts_left(desk: Desk) -> list[int | None]:
    return [one.left for one in desk.records() if isinstance(one, Answered) and one.reverses_key]


# Completions in parts


def test_the_issuer_hears_which_part_a_completion_is_and_whose_shop_and_no_secret() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    said = subelements.pack({"92": "123", "37": "MALL-STALL", "62": "0102"})
    completes(desk, shop, asked, amount="000000003000", private_data=said)
    told = desk.hears(issuer)
    assert subelements.parse(told.get(48) or "") == {"37": "MALL-STALL", "62": "0102"}


def test_parts_add_up_and_the_last_one_ends_the_reservation_also_after_a_restart() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    completes(desk, shop, asked, amount="000000003000", private_data="62040103")
    completes(desk, shop, asked, stan="000556", amount="000000002000", private_data="62040203")
    assert not troubles(desk)
    after = desk.restarted()
    shop = after.gateway()
    completes(after, shop, asked, stan="000557", amount="000000004000", private_data="62040303")
    assert amounts_left(after) == [3000, 5000, 9000]
    assert not troubles(after)
    completes(after, shop, asked, stan="000558", amount="000000000100")
    assert troubles(after) == ["original.completed"]


def test_parts_that_come_to_more_than_was_reserved_are_noticed() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    completes(desk, shop, asked, amount="000000006000", private_data="62040102")
    completes(desk, shop, asked, stan="000556", amount="000000004001", private_data="62040202")
    assert troubles(desk) == ["capture.above_hold"]


def test_taking_back_one_part_leaves_the_others() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, stan = reserved(desk, issuer, shop)
    for number, amount in (("000556", "000000003000"), ("000557", "000000002000")):
        completes(
            desk, shop, asked, stan=number, amount=amount, private_data=f"6204{'01' if number[-1] == '6' else '02'}03"
        )
        desk.answers(issuer, desk.hears(issuer))
    original = f"0220000557{'1118110800'}{'0' * 22}"
    desk.reverses(shop, {**asked, "amount": "000000002000"}, original=original)
    assert desk.hears(shop).response_code == "00"
    told = desk.hears(issuer)
    assert told.original is not None
    assert (told.original.stan, (told.get(95) or "")[:12]) == (stan, "000000003000")
    assert amounts_left(desk)[-1] == 3000


@given(st.lists(st.integers(min_value=1, max_value=3000), min_size=1, max_size=6))
def test_what_stands_is_the_sum_of_the_parts_before_and_after_a_restart(parts: list[int]) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    for number, amount in enumerate(parts, 1):
        part = f"6204{number:02d}{len(parts):02d}"
        completes(desk, shop, asked, stan=f"{number + 100:06d}", amount=f"{amount:012d}", private_data=part)
    assert amounts_left(desk)[-1] == sum(parts)
    again = Recovery(Memory())
    for record in desk.records():
        again.take(record)
    key = next(one.reverses_key for one in desk.records() if isinstance(one, Answered) and one.reverses_key)
    here, there = desk.core.memory.recall(key), again.memory.recall(key)
    assert here is not None
    assert there is not None
    assert here.taken == there.taken
    assert here.taken is not None
    assert here.taken.amount == sum(parts)
    assert here.taken.is_last


# Increases


def test_an_increase_names_its_authorization_to_the_issuer_as_the_issuer_knows_it() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, stan = reserved(desk, issuer, shop)
    increases(desk, shop, asked)
    told = desk.hears(issuer)
    assert told.original is not None
    assert (told.mti, told.original.mti, told.original.stan) == ("0100", "0100", stan)
    assert told.original.acquirer_id.endswith("784001")
    desk.answers(issuer, told)
    answer = desk.hears(shop)
    assert answer.response_code == "00"
    assert answer.get(90) == named(asked)
    assert completes(desk, shop, asked, amount="000000012000") == "00"
    assert not troubles(desk)


def test_an_increase_of_nothing_we_know_or_of_what_is_over_is_refused() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    increases(desk, shop, {**PURCHASE, "stan": "000999"})
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("25", "original.unknown")
    asked, _ = reserved(desk, issuer, shop)
    increases(desk, shop, asked, stan="000003", currency="978")
    assert desk.hears(shop).reason == "currency.differs"
    completes(desk, shop, asked)
    increases(desk, shop, asked, stan="000004")
    assert desk.hears(shop).reason == "original.completed"


def test_an_increase_that_overtakes_its_authorization_does_not_end_it() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop)
    request = desk.hears(issuer)
    increases(desk, shop, asked)
    assert desk.hears(shop).reason == "original.unknown"
    desk.answers(issuer, request)
    assert desk.hears(shop).response_code == "00"


def test_nobody_stands_in_for_an_increase() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    card = {"pan": "9414200000000015", "currency": "414"}
    asked = desk.asks(shop, **card)
    desk.answers(issuer, desk.hears(issuer))
    assert desk.hears(shop).response_code == "00"
    desk.hangs_up(issuer)
    increases(desk, shop, asked, **card)
    answer = desk.hears(shop)
    assert (answer.response_code, answer.reason) == ("91", "issuer.down")


def test_who_takes_an_authorization_back_takes_its_increases_back() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, stan = reserved(desk, issuer, shop)
    more = increases(desk, shop, asked)
    second = desk.hears(issuer)
    desk.answers(issuer, second)
    desk.hears(shop)
    for here in (desk, desk.restarted()):
        if here is not desk:
            issuer, shop = here.issuer(), here.gateway()
        here.reverses(shop, asked)
        assert here.hears(shop).response_code == "00"
        undone = [here.hears(issuer).original for _ in range(2)]
        assert {one.stan for one in undone if one} == {stan, second.stan}
    after = desk.restarted()
    shop = after.gateway()
    after.asks(shop, "0101", **dict(more.items()))
    assert after.hears(shop).response_code == "00"  # a repeat hears what was said then


# Requests to take: row 55 of the catalogue


def test_a_request_takes_a_reservation_and_the_issuer_hears_a_completion() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, stan = reserved(desk, issuer, shop)
    assert takes(desk, shop, asked, amount="000000008000") == ("00", "A1B2C3")
    told = desk.hears(issuer)
    assert told.original is not None
    assert (told.mti, told.amount, told.original.stan, told.approval_code) == ("0220", 8000, stan, "A1B2C3")
    assert amounts_left(desk) == [8000]


def test_above_the_hold_is_61_twice_is_the_first_answer_after_void_is_12() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked, _ = reserved(desk, issuer, shop)
    assert takes(desk, shop, asked, amount="000000010001") == ("61", "capture.above_hold")
    assert takes(desk, shop, asked, stan="000701") == ("00", "A1B2C3")
    desk.answers(issuer, desk.hears(issuer))
    assert takes(desk, shop, asked, stan="000702") == ("00", "A1B2C3")
    assert desk.silent(issuer)
    assert takes(desk, shop, asked, stan="000703", amount="000000000001") == ("12", "original.completed")
    desk.reverses(shop, asked)
    desk.hears(shop)
    assert takes(desk, shop, asked, stan="000704") == ("12", "original.reversed")


def test_after_expiry_is_12() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway()
    card = {"pan": "9414200000000015", "currency": "414"}
    asked = desk.asks(shop, **card)
    desk.answers(issuer, desk.hears(issuer))
    desk.hears(shop)
    desk.now = desk.now._replace(wall=desk.now.wall + 31 * 86_400)
    assert takes(desk, shop, asked, **card, transmitted_at="1219110640") == ("12", "original.expired")


def test_a_request_that_takes_nothing_we_know_is_25() -> None:
    desk = Desk()
    shop = desk.gateway()
    assert takes(desk, shop, {**PURCHASE, "stan": "000999"}) == ("25", "original.unknown")


# A change of PIN


def test_both_pin_blocks_of_a_change_go_through_the_hsm_and_neither_is_kept() -> None:
    desk = Desk()
    hsm, issuer, shop = desk.hsm(), desk.issuer("nbk"), desk.gateway("nbk")
    old, new, old_there, new_there = "1111222233334444", "5555666677778888", "AAAABBBBCCCCDDDD", "EEEEFFFF00001111"
    desk.asks(
        shop,
        "0200",
        pan=DEBIT_CARD,
        processing_code="920000",
        amount="000000000000",
        currency="414",
        acquirer_id="414001",
        merchant_type="6011",
        pos_entry_mode="051",
        pos_condition_code="02",
        terminal_id="NBKATM01",
        card_acceptor_id="NBKATM000000001",
        pin_block=old,
        private_data=f"9316{new}",
    )
    for block, there in ((old, old_there), (new, new_there)):
        question = desk.hsm_hears(hsm)
        assert (question.command, question.fields["pin_block"]) == ("CC", block)
        desk.hsm_answers(hsm, question, pin_length="04", pin_block=there, format="01")
    told = desk.hears(issuer)
    assert (told.pin_block, told.get(48)) == (old_there, f"9316{new_there}")
    desk.answers(issuer, told)
    assert desk.hears(shop).response_code == "00"
    kept = b"".join(desk.disk)
    assert not [text for text in (old, new, old_there, new_there) if text.encode() in kept]
