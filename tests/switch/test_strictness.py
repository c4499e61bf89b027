"""What cannot be meant goes no further than the switch: no issuer hears of it, and nothing is remembered."""

from __future__ import annotations

import pytest

from tests.switch.desk import CREDIT_CARD, Desk

CHIP = "9F2608A1B2C3D4E5F607189F270180"
SHOP = {"pan": CREDIT_CARD, "card_acceptor_id": "UAEMALL00000001", "terminal_id": "UAEM0001"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"transmitted_at": "0230110640"}, "format.de7"),
        ({"stan": "000000"}, "format.de11"),
        ({"local_time": "250000"}, "format.de12"),
        ({"local_date": "1131"}, "format.de13"),
        ({"expiry": "2913"}, "format.de14"),
        ({"private_data": "4209"}, "format.de48"),
        ({"icc_data": CHIP[:-2]}, "format.de55"),
        ({"icc_data": CHIP + CHIP}, "format.de55"),
        ({"icc_data": CHIP + "5A084012888888881881"}, "pan.differs"),
        ({"icc_data": CHIP + "57134012888888881881D29121010000000000000F"}, "pan.differs"),
    ],
)
def test_what_cannot_be_meant_never_reaches_the_issuer(changes: dict[str, str], reason: str) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    asked = desk.asks(shop, **changes)
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code, answer.reason) == ("0110", "30", reason)
    assert (answer.stan, answer.transmitted_at) == (asked["stan"], asked["transmitted_at"])
    assert desk.silent(issuer)


def test_the_same_number_may_be_used_again_for_the_corrected_request() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop, expiry="2913")
    assert desk.hears(shop).reason == "format.de14"
    desk.asks(shop)
    desk.answers(issuer, desk.hears(issuer))
    assert desk.hears(shop).response_code == "00"


def test_a_chip_that_names_the_card_is_passed_on_untouched() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    chip = CHIP + "5A084111111111111111"
    desk.asks(shop, icc_data=chip, private_data="420205")
    request = desk.hears(issuer)
    assert dict(request.items())[55] == chip
    assert request.private_data == "420205"


def test_a_card_that_is_two_cards_is_an_event() -> None:
    desk = Desk()
    desk.issuer()
    shop = desk.gateway()
    desk.asks(shop, track_2="4012888888881881=29121010000000000000")
    assert desk.hears(shop).reason == "pan.differs"
    (event,) = [event for event in desk.events if event.name == "pan.differs"]
    assert event.facts == {"participant": "lab", "mti": "0100"}


# --- DE 48, by who sends it


def test_a_stranger_may_write_his_own_networks_private_data() -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop, private_data="MC SPECIAL")
    assert desk.hears(issuer).private_data == "MC SPECIAL"


def test_a_participant_with_an_agreement_writes_subelements() -> None:
    desk = Desk()
    issuer, shop = desk.issuer("nbk"), desk.gateway("comtrust")
    desk.asks(shop, **SHOP, private_data="MC SPECIAL")
    assert desk.hears(shop).reason == "format.de48"
    assert desk.silent(issuer)
    desk.asks(shop, **SHOP, private_data="420205")
    assert desk.hears(issuer).private_data == "420205"


# --- DE 7, by the agreement


@pytest.mark.parametrize(
    ("skew_s", "transmitted_at", "reason"),
    [
        (600.0, "1118110640", None),
        (600.0, "1118111000", None),
        (600.0, "1118113000", "format.de7"),
        (600.0, "1117110640", "format.de7"),
        (None, "0518110640", None),
    ],
)
def test_how_far_a_clock_may_be_off_is_in_the_agreement(
    skew_s: float | None, transmitted_at: str, reason: str | None
) -> None:
    """The network's clock shows 11:06:40 on 18 November."""
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway(skew_s=skew_s)
    desk.asks(shop, transmitted_at=transmitted_at)
    if reason is None:
        assert desk.hears(issuer).transmitted_at == transmitted_at
    else:
        assert desk.hears(shop).reason == reason


# --- one peer's mistakes


def test_elements_that_cannot_be_do_not_end_the_link_however_many() -> None:
    desk = Desk()
    desk.issuer()
    shop = desk.gateway()
    for _ in range(50):
        desk.asks(shop, expiry="2913")
        assert desk.hears(shop).reason == "format.de14"
    assert not desk.closures


def test_an_event_says_where_and_never_what() -> None:
    desk = Desk()
    desk.issuer()
    shop = desk.gateway()
    desk.asks(shop, expiry="2913")
    (event,) = [event for event in desk.events if event.name == "message.unreadable"]
    assert set(event.facts) == {"link", "participant", "slug", "offset", "length"}
    assert event.facts["slug"] == "format.de14"


@pytest.mark.parametrize("mti", ["0109", "0199", "0405"])
def test_a_message_type_beside_one_of_ours_is_nobodys(mti: str) -> None:
    desk = Desk()
    issuer, shop = desk.issuer(), desk.gateway()
    desk.asks(shop, mti)
    answer = desk.hears(shop)
    assert (answer.mti, answer.response_code, answer.reason) == ("0620", "12", "type.unknown")
    assert desk.silent(issuer)
