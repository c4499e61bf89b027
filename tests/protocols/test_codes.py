"""Every reason fits DE 44, travels with a known response code, and is a sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import codes
from protocols.channel import Channel
from protocols.codes import REASONS, RESPONSE_TITLES, REVERSAL_REASONS, known_reason, plain_reason, reason
from protocols.errors import FormatError, LocalProtocolError

# The examples of the interface specification: response code and slug.
PROMISED = [
    ("30", "format.de4"),
    ("30", "missing.de41"),
    ("30", "format.bitmap"),
    ("14", "pan.luhn"),
    ("15", "issuer.unknown"),
    ("54", "card.expired"),
    ("43", "card.stolen"),
    ("41", "card.lost"),
    ("62", "card.blocked"),
    ("57", "channel.atm"),
    ("57", "channel.pos"),
    ("57", "channel.moto"),
    ("57", "channel.recurring"),
    ("57", "type.cash"),
    ("57", "merchant_type.6011"),
    ("58", "terminal.not_allowed"),
    ("58", "link.not_signed_on"),
    ("03", "merchant.unknown"),
    ("12", "type.unknown"),
    ("13", "amount.zero"),
    ("25", "original.unknown"),
    ("61", "limit.exceeded"),
    ("61", "overlimit.used"),
    ("65", "count.exceeded"),
    ("51", "funds"),
    ("55", "pin.wrong"),
    ("75", "pin.tries"),
    ("63", "mac.invalid"),
    ("N7", "cvv2.mismatch"),
    ("10", "partial"),
    ("91", "issuer.timeout"),
    ("91", "issuer.down"),
    ("92", "route.none"),
    ("94", "duplicate.differs"),
    ("94", "reversed.first"),
    ("96", "switch.error"),
    ("96", "hsm.down"),
    ("68", "reversed.undelivered"),
    ("05", "do.not.honour"),
]
ALL = [*REASONS.values(), *REVERSAL_REASONS.values()]


@pytest.mark.parametrize(("response_code", "slug"), PROMISED)
def test_the_reasons_that_were_promised(response_code, slug):
    assert reason(slug).response_code == response_code


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.slug)
def test_a_reason_fits_de44_and_is_a_sentence(one):
    assert re.fullmatch(r"[a-z0-9_.]{1,25}", one.slug)
    assert one.response_code in RESPONSE_TITLES
    assert re.fullmatch(r"[A-Z].*\.", one.title)


def test_only_trouble_in_the_network_passes_by_itself():
    assert {one.response_code for one in REASONS.values() if one.retry} == {"91", "96"}


def test_no_reason_is_an_approval_in_full():
    assert all(one.response_code != codes.APPROVED for one in ALL)


@pytest.mark.parametrize("number", [2, 4, 41, 128])
def test_every_element_has_its_reasons(number):
    assert reason(f"format.de{number}").response_code == "30"
    assert f"(data element {number})" in reason(f"missing.de{number}").title


@pytest.mark.parametrize("channel", list(Channel))
def test_every_channel_has_its_refusal(channel):
    assert reason(channel.refusal_slug).response_code == "57"


@pytest.mark.parametrize("code", sorted(codes.TRANSACTION_TYPES))
def test_every_transaction_type_has_its_refusal(code):
    assert reason(codes.type_refusal(f"{code}0000")).response_code == "57"


@pytest.mark.parametrize(
    "slug",
    ["", "format.de0", "format.de129", "format.de", "missing.de１", "merchant_type.60", "merchant_type.60a1", "no"],
)
def test_a_slug_that_is_not_ours_is_nobodys(slug):
    assert known_reason(slug) is None
    with pytest.raises(LocalProtocolError):
        reason(slug)


@given(st.text(max_size=30))
def test_any_text_of_a_peer_may_be_asked_about(text):
    found = known_reason(text)
    assert found is None or found.slug == text


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2))
def test_a_bare_response_code_gets_a_reason_and_keeps_its_code(response_code):
    assert plain_reason(response_code).response_code == response_code


@pytest.mark.parametrize("response_code", ["08", "11", "16", "85", "zz", "5", "051", "", " 5", None])
def test_what_is_neither_approval_nor_decline_is_no_outcome(response_code):
    assert not codes.is_approval(response_code)
    assert not codes.is_decline(response_code)


def test_every_reason_but_the_partial_one_is_a_decline():
    for one in REASONS.values():
        assert codes.is_decline(one.response_code) != codes.is_approval(one.response_code)
        assert codes.is_approval(one.response_code) == (one.slug == "partial")


# Response code of 1987, action code of 1993, by their common meaning.
ACTION_CODES = {
    "00": "000",
    "05": "100",
    "10": "002",
    "12": "902",
    "25": "914",
    "30": "904",
    "41": "208",
    "43": "209",
    "51": "116",
    "54": "101",
    "55": "117",
    "57": "119",
    "58": "120",
    "61": "121",
    "75": "106",
    "91": "907",
    "92": "908",
    "94": "913",
    "96": "909",
}


@pytest.mark.parametrize(("response_code", "action_code"), ACTION_CODES.items())
def test_action_codes_of_1993_there_and_back(response_code, action_code):
    assert codes.spelled(response_code, "1", "0110") == action_code
    assert codes.understood(action_code, "1", "0110") == response_code


@pytest.mark.parametrize("response_code", sorted(RESPONSE_TITLES))
def test_1993_never_turns_a_decline_into_an_approval(response_code):
    action_code = codes.spelled(response_code, "1", "0110")
    assert action_code[0] != "0" or codes.is_approval(response_code)
    assert codes.is_approval(codes.understood(action_code, "1", "0110")) == codes.is_approval(response_code)


@pytest.mark.parametrize("mti", ["0110", "0130", "0210", "0230", "0410", "0430", "0510", "0610", "0810", ""])
def test_accepted_is_understood_where_it_was_said(mti):
    assert codes.understood(codes.spelled("00", "1", mti), "1", mti) == "00"


@pytest.mark.parametrize("spelling", ["400", "500", "600", "800", "900", "901"])
def test_an_authorization_is_not_approved_by_an_acknowledgement(spelling):
    with pytest.raises(FormatError) as caught:
        codes.understood(spelling, "1", "0110")
    assert caught.value.slug == "format.de39"


@pytest.mark.parametrize("spelling", ["001", "003", "999", "", "00", "0²0"])
def test_an_action_code_nobody_knows_is_a_format_error(spelling):
    with pytest.raises(FormatError):
        codes.understood(spelling, "1", "0110")


@given(st.text(max_size=3))
def test_the_version_of_1987_is_passed_through(spelling):
    assert codes.understood(codes.spelled(spelling)) == spelling
