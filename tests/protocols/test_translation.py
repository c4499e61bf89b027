"""1987 and 1993 in each other's words: what arrives as it was, and the one list of what does not."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import codes
from protocols import elements as de
from protocols.channel import channel_of
from protocols.errors import FormatError
from protocols.mti import MESSAGE_TYPES, answer_to
from protocols.original import Original
from protocols.point_of_service import CONDITIONS, ENTRIES, positions, taken
from protocols.private_data import OURS, Form, respelled
from protocols.subelements import pack, parse
from protocols.translation import FITTED, LOST, SAME, Loss, dated, from_internal, to_internal

TODAY = date(2026, 11, 18)

#: Of every element that a financial message of this network carries, a value.
PURCHASE = {
    2: "4111111111111111",
    3: "000000",
    4: "000000010000",
    6: "000000000835",
    7: "1118110640",
    10: "61000835",
    11: "000001",
    12: "140640",
    13: "1118",
    14: "2912",
    16: "1118",
    18: "5732",
    19: "784",
    22: "051",
    23: "001",
    25: "00",
    32: "784001",
    33: "784900",
    35: "4111111111111111=29122010000012345678",
    37: "632211000001",
    41: "LAB00001",
    42: "LABORATORY00001",
    43: "UAE Mall Trading         Dubai        AE",
    48: "4202059203123",
    49: "784",
    51: "414",
    52: "0123456789ABCDEF",
    53: "0123456789012345",
    54: "0002784C000000000001",
    55: "9F2608ABCDEF0123456789",
    102: "ACCOUNT",
    103: "ANOTHER",
    128: "FEDCBA9876543210",
}


def there_and_back(mti: str, values: dict[int, str], *, trusted: bool = True) -> dict[int, str]:
    """What is left of a message of the network when a 1993 end has heard it and says it again."""
    foreign_mti, said = from_internal("1", mti, values, today=TODAY)
    assert foreign_mti == f"1{mti[1:]}"
    back, heard = to_internal("1", foreign_mti, said, trusted=trusted)
    assert back == mti
    return heard


def and_back_again(mti: str, values: dict[int, str]) -> dict[int, str]:
    """What is left of a 1993 message when the network has heard it and says it again."""
    inside, heard = to_internal("1", mti, values)
    return from_internal("1", inside, heard, today=TODAY)[1]


def test_a_purchase_arrives_as_it_was_sent() -> None:
    assert there_and_back("0100", PURCHASE) == PURCHASE


@pytest.mark.parametrize("mti", MESSAGE_TYPES)
def test_every_message_type_has_its_own_in_the_other_edition(mti: str) -> None:
    assert there_and_back(mti, {11: "000001"}) == {11: "000001"}


def test_the_network_edition_passes_as_it_is() -> None:
    assert from_internal("0", "0100", PURCHASE, today=TODAY) == ("0100", PURCHASE)
    assert to_internal("0", "0100", PURCHASE) == ("0100", PURCHASE)


def test_a_message_type_of_another_edition_is_nobodys() -> None:
    """A 0100 on a 1993 link: its elements would be misread, so it is not taken for an authorization."""
    assert to_internal("1", "0100", {11: "000001"}) == ("9100", {11: "000001"})


def test_elements_come_in_their_order() -> None:
    assert list(there_and_back("0100", PURCHASE)) == sorted(PURCHASE)


# What is lost


@pytest.mark.parametrize("loss", LOST, ids=lambda loss: f"{loss.edition}-de{loss.element}-{loss.value[:12]}")
def test_what_cannot_be_said_is_lost_as_the_table_says_and_only_that(loss: Loss) -> None:
    said = {**loss.along, **({loss.element: loss.value} if loss.value else {})}
    if loss.edition == "1987":
        assert there_and_back(loss.mti, said).get(loss.element) == loss.becomes
    else:
        mti = f"1{loss.mti[1:]}"
        assert and_back_again(mti, said).get(loss.element) == loss.becomes
    assert loss.becomes != loss.value


def test_every_element_of_1987_crosses_or_is_in_the_table() -> None:
    written = {de.LOCAL_TIME, de.LOCAL_DATE, de.SETTLEMENT_DATE, de.POS_ENTRY_MODE, de.POS_CONDITION_CODE}
    written |= {de.PIN_CAPTURE_CODE, de.RESPONSE_CODE, de.CARD_ACCEPTOR_NAME, de.REASON, de.ADDITIONAL_AMOUNTS}
    written |= {de.NETWORK_MANAGEMENT_CODE, de.ORIGINAL, de.REPLACEMENT_AMOUNTS, *(row.element for row in FITTED)}
    lost = {loss.element for loss in LOST if loss.edition == "1987"}
    assert set(range(2, 129)) - {de.EXTENDED_BITMAP} == SAME | written | lost


def test_every_element_of_1993_crosses_or_is_in_the_table() -> None:
    read = {12, 15, 22, 24, 25, 26, 30, 39, 43, 44, 54, 56, *(row.element for row in FITTED)}
    lost = {loss.element for loss in LOST if loss.edition == "1993"}
    assert set(range(2, 129)) - {de.EXTENDED_BITMAP} == SAME | read | lost


# Dates


@pytest.mark.parametrize(
    ("day", "today", "whole"),
    [
        ("1231", date(2027, 1, 1), "261231"),
        ("0101", date(2026, 12, 31), "270101"),
        ("0701", date(2026, 7, 1), "260701"),
        ("0229", date(2027, 12, 31), "280229"),
        ("0229", date(2028, 12, 31), "280229"),
        ("0229", date(2026, 1, 1), None),
        ("0230", date(2028, 1, 1), None),
        ("1301", date(2028, 1, 1), None),
        ("12", date(2028, 1, 1), None),
    ],
)
def test_a_day_without_a_year_is_the_nearest(day: str, today: date, whole: str | None) -> None:
    assert dated(day, today) == whole


@given(st.dates(date(1999, 1, 1), date(2098, 12, 31)), st.integers(-180, 180))
def test_a_day_less_than_half_a_year_away_gets_its_own_year(today: date, away: int) -> None:
    day = date.fromordinal(today.toordinal() + away)
    assert dated(f"{day:%m%d}", today) == f"{day:%y%m%d}"


def test_local_time_is_one_element_with_its_year() -> None:
    assert from_internal("1", "0100", PURCHASE, today=TODAY)[1][12] == "261118140640"


def test_a_time_without_a_day_has_the_day_of_its_transmission() -> None:
    said = from_internal("1", "0100", {7: "1117235959", 11: "000001", 12: "030000"}, today=TODAY)[1]
    assert said[12] == "261117030000"


# DE 22 and 25


@pytest.mark.parametrize("entry", ENTRIES)
def test_how_a_card_was_taken_comes_back_as_it_was(entry: str) -> None:
    for pin, condition in product("0128", CONDITIONS):
        code = positions(entry + pin, condition)
        assert code is not None
        assert len(code) == 12
        back = taken(code)
        expected = "59" if (entry, condition) == ("81", "00") else condition  # see LOST
        assert (back.entry_mode, back.condition) == (entry + pin, expected)


@pytest.mark.parametrize("entry", [None, *(f"{entry}2" for entry in ENTRIES)])
def test_the_channel_is_the_same_on_the_other_side(entry: str | None) -> None:
    places = [("000000", "5732"), ("010000", "5732"), ("000000", "6011")]
    conditions = [None, *CONDITIONS, "03", "51", "71"]
    for (processing, merchant_type), condition, eci in product(places, conditions, [None, "05", "07", "01"]):
        said = {3: processing, 18: merchant_type, 22: entry, 25: condition, 48: f"4202{eci}" if eci else None}
        heard = there_and_back("0100", {number: value for number, value in said.items() if value is not None})
        before = channel_of(processing, merchant_type, entry, condition, eci)
        after = channel_of(heard[3], heard[18], heard.get(22), heard.get(25), parse(heard.get(48, "")).get("42"))
        assert after == before


@pytest.mark.parametrize(
    ("positions_1993", "channel"),
    [
        ("000550000000", "ecommerce"),  # electronic order, and nothing about the card
        ("000020600000", "moto"),  # mail order, number keyed
        ("000030600000", "moto"),  # telephone order
        ("000040600000", "recurring"),  # standing authorization on a number that is kept
        ("610100600001", "keyed"),  # at a till, the card not there
        ("510101501301", "pos"),  # chip and PIN
        ("510201501301", "pos"),  # a terminal that stands alone
        ("510140501301", "pos"),  # a card that was read was there, whatever else is said
    ],
)
def test_what_another_house_writes_in_twelve_positions_is_understood(positions_1993: str, channel: str) -> None:
    heard = to_internal("1", "1100", {22: positions_1993})[1]
    assert channel_of("000000", "5732", heard[22], heard[25], None) == channel


def test_twelve_positions_are_twelve() -> None:
    with pytest.raises(FormatError) as broken:
        to_internal("1", "1100", {11: "000001", 22: "051"})
    assert (broken.value.slug, broken.value.mti, broken.value.readable) == ("format.de22", "0100", {11: "000001"})


@pytest.mark.parametrize("digits", ["04", "06", "12"])
def test_the_most_digits_of_a_pin_are_position_twelve(digits: str) -> None:
    assert there_and_back("0100", {22: "051", 25: "00", 26: digits})[26] == digits


def test_a_pin_says_how_the_holder_was_known() -> None:
    code = from_internal("1", "0100", PURCHASE, today=TODAY)[1][22]
    assert (code[7], code[8]) == ("1", "3")


def test_the_merchant_type_is_also_the_business_code() -> None:
    assert from_internal("1", "0100", {18: "5732"}, today=TODAY)[1] == {18: "5732", 24: "100", 26: "5732"}
    assert to_internal("1", "1100", {26: "5732"})[1] == {18: "5732"}


def test_a_suspicious_shop_is_a_reason_to_ask() -> None:
    assert from_internal("1", "0100", {22: "051", 25: "03"}, today=TODAY)[1][25] == "1511"
    assert there_and_back("0100", {22: "051", 25: "03"}) == {22: "051", 25: "03"}


# Outcomes


@pytest.mark.parametrize("slug", codes.REASONS)
@pytest.mark.parametrize("mti", ["0110", "0210"])
def test_with_its_reason_every_outcome_comes_back_as_it_was(mti: str, slug: str) -> None:
    outcome = codes.reason(slug).response_code
    assert there_and_back(mti, {39: outcome, 44: slug})[39] == outcome


@pytest.mark.parametrize("mti", sorted({answer_to(mti) for mti in MESSAGE_TYPES if MESSAGE_TYPES[mti].answer}))
def test_yes_is_yes_in_every_answer(mti: str) -> None:
    assert there_and_back(mti, {39: "00"}) == {39: "00"}


@given(st.integers(0, 999), st.sampled_from(["1110", "1210", "1130", "1430", "1810"]))
def test_no_action_code_turns_into_an_approval(action: int, mti: str) -> None:
    """Approved are 000 and 002 and what accepts in the answer that can accept; a denial stays one."""
    heard = to_internal("1", mti, {39: f"{action:03d}"})[1][39]
    accepted = {"1130": (900, 901), "1430": (400,), "1810": (800,)}.get(mti, ())
    assert codes.is_approval(heard) == (action in (0, 2, *accepted))
    if action // 100 in (1, 2):
        assert codes.is_decline(heard)
    if action // 100 == 0 and action not in (0, 2):
        assert not codes.is_decline(heard), "an approval with a string attached is in doubt, not declined"


def test_the_word_of_a_stranger_does_not_overrule_the_action_code() -> None:
    assert to_internal("1", "1110", {39: "116", 44: "card.stolen"})[1][39] == "51"


@pytest.mark.parametrize("slug", codes.REVERSAL_REASONS)
def test_why_a_reversal_is_sent_is_a_message_reason_there(slug: str) -> None:
    code = codes.reason(slug).response_code
    said = from_internal("1", "0420", {39: code}, today=TODAY)[1]
    assert 39 not in said
    assert said[25].startswith("4")
    assert there_and_back("0420", {39: code}) == {39: code}


# What is asked


@pytest.mark.parametrize(
    ("mti", "values", "function"),
    [
        ("0100", {3: "000000"}, "100"),
        ("0100", {3: "310000"}, "108"),
        ("0121", {3: "000000"}, "100"),
        ("0200", {3: "000000"}, "200"),
        ("0220", {90: "0100" + "0" * 38}, "201"),
        ("0420", {3: "000000"}, "400"),
        ("0420", {4: "000000010000", 95: "0" * 24 + "C00000000" * 2}, "401"),
        ("0520", {74: "0000000001"}, "500"),
        ("0620", {39: "30"}, "650"),
        ("0110", {39: "00"}, None),
        *(("0800", {70: code}, function) for code, function in [("001", "801"), ("161", "811"), ("301", "831")]),
        ("0810", {70: "002"}, "802"),
    ],
)
def test_the_function_code_says_what_is_asked(mti: str, values: dict[int, str], function: str | None) -> None:
    assert from_internal("1", mti, values, today=TODAY)[1].get(24) == function


@pytest.mark.parametrize("code", ["001", "002", "161", "201", "301"])
@pytest.mark.parametrize("mti", ["0800", "0810", "0820"])
def test_network_management_is_network_management(mti: str, code: str) -> None:
    assert there_and_back(mti, {7: "1118110640", 11: "000001", 70: code})[70] == code


def test_a_function_that_nobody_here_knows_is_answered_as_it_was_asked() -> None:
    heard = to_internal("1", "1800", {24: "899"})[1]
    assert heard[70] == "899"
    assert from_internal("1", "0810", {70: "899", 39: "12"}, today=TODAY)[1] == {24: "899", 39: "902"}


# Originals and replacement amounts

ORIGINAL = Original("0100", "000123", "1118110640", "784001", "784900").text
REVERSAL = {11: "000777", 12: "140640", 13: "1118", 32: "784001", 90: ORIGINAL}


def test_an_original_is_known_by_its_local_time_there_and_whole_to_whom_trusts_us() -> None:
    said = from_internal("1", "0420", REVERSAL, today=TODAY)[1]
    assert said[56] == "1100" + "000123" + "261118140640" + "06784001"
    assert there_and_back("0420", REVERSAL)[90] == ORIGINAL


def test_who_does_not_trust_the_sender_takes_the_standards_word() -> None:
    heard = there_and_back("0420", REVERSAL, trusted=False)
    assert heard[90] == Original("0100", "000123", "1118140640", "784001").text
    assert 59 not in heard


def test_transport_data_about_another_message_is_not_believed() -> None:
    said = from_internal("1", "0420", REVERSAL, today=TODAY)[1] | {59: ORIGINAL.replace("000123", "000124")}
    heard = to_internal("1", "1420", said, trusted=True)[1]
    assert heard[90] == Original("0100", "000123", "1118140640", "784001").text


def test_an_original_without_institutions_states_none() -> None:
    original = Original("0200", "000123", "1118110640").text
    assert from_internal("1", "0420", {90: original}, today=TODAY)[1][56] == "1200" + "000123" + "261118110640" + "00"
    assert there_and_back("0420", {90: original}, trusted=False) == {90: original}


def test_an_answer_echoes_the_original_as_it_was_read() -> None:
    asked = from_internal("1", "0420", REVERSAL, today=TODAY)[1]
    heard = to_internal("1", "1420", asked)[1]
    answer = {number: heard[number] for number in (11, 90)} | {12: "150000", 13: "1118"}
    assert from_internal("1", "0430", answer, today=TODAY)[1][56] == asked[56]


@pytest.mark.parametrize("broken", ["", "1100", "1100000123261118140640", "1100000123261118140640067840", "x" * 24])
def test_an_original_that_breaks_is_named(broken: str) -> None:
    with pytest.raises(FormatError, match="de56"):
        to_internal("1", "1420", {56: broken})


PARTIAL = {4: "000000010000", 90: ORIGINAL, 95: "000000004000" + "0" * 12 + "C00000000" * 2}


def test_a_partial_reversal_has_the_new_amount_first_there_and_the_old_one_here() -> None:
    said = from_internal("1", "0420", PARTIAL, today=TODAY)[1]
    assert (said[24], said[4], said[30]) == ("401", "000000004000", "000000010000" + "0" * 12)
    assert there_and_back("0420", PARTIAL) == PARTIAL


def test_the_settlement_amounts_of_a_partial_reversal_change_places_too() -> None:
    settled = {**PARTIAL, 5: "000000001000", 95: "000000004000" + "000000000400" + "C00000000" * 2}
    said = from_internal("1", "0420", settled, today=TODAY)[1]
    assert (said[5], said[30]) == ("000000000400", "000000010000" + "000000001000")
    assert there_and_back("0420", settled) == settled


def test_a_partial_reversal_that_does_not_say_of_what_is_never_taken_for_a_full_one() -> None:
    with pytest.raises(FormatError) as missing:
        to_internal("1", "1420", {4: "000000004000", 24: "401"})
    assert missing.value.slug == "missing.de30"


# MAC, PIN, EMV, DE 43, DE 48


def test_the_seal_stands_in_the_last_bit_of_the_last_bitmap() -> None:
    """A 0420 has DE 90 and so a second bitmap; a 1420 has DE 56 and none."""
    assert 64 in from_internal("1", "0420", {90: ORIGINAL, 128: "FEDCBA9876543210"}, today=TODAY)[1]
    assert there_and_back("0420", {90: ORIGINAL, 128: "FEDCBA9876543210"})[128] == "FEDCBA9876543210"


@pytest.mark.parametrize("number", [35, 36, 45, 52, 55, 63])
def test_secrets_cross_untouched(number: int) -> None:
    assert there_and_back("0200", {number: "0123456789ABCDEF"})[number] == "0123456789ABCDEF"


@given(st.text("abcXYZ -'", min_size=1, max_size=25), st.text("abcXYZ ", max_size=13), st.sampled_from(["AE", "", "K"]))
def test_a_shop_has_the_same_name_and_place(name: str, city: str, country: str) -> None:
    text = f"{name:25}{city:13}{country:2}"
    assert there_and_back("0100", {43: text}) == {43: text}


def test_a_shop_with_a_street_has_it_left_out() -> None:
    heard = to_internal("1", "1100", {43: "Gulf Mart\\1 Corniche\\Dubai\\12345        AE "})[1]
    assert heard[43] == "Gulf Mart                Dubai        AE"


@given(
    st.dictionaries(
        st.integers(0, 99).map(lambda number: f"{number:02d}"), st.text("0123456789ABC", max_size=99), max_size=5
    )
)
def test_private_data_comes_back_from_any_wider_form(values: dict[str, str]) -> None:
    text = pack(values)
    for form in (Form(2, 3), Form(3, 3), Form(4, 2)):
        assert respelled(respelled(text, OURS, form), form, OURS) == text


def test_private_data_that_a_narrower_form_cannot_hold_is_left_out() -> None:
    assert respelled("042" + "002" + "05" + "142" + "002" + "06", Form(3, 3), OURS) == "420205"
    assert respelled("042" + "100" + "X" * 100, Form(3, 3), OURS) == ""


@given(st.dictionaries(st.integers(2, 128), st.text("0123456789 AZ\\", max_size=60), max_size=12))
def test_whatever_comes_in_is_understood_or_named(values: dict[int, str]) -> None:
    for mti in ("1100", "1110", "1420", "1430", "1800"):
        try:
            inside, heard = to_internal("1", mti, values)
        except FormatError as error:
            assert error.mti == f"0{mti[1:]}"
        else:
            from_internal("1", inside, heard, today=TODAY)
