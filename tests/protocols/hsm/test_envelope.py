"""The envelope, there and back, from both ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.hsm import (
    LAYOUTS,
    build_answer,
    build_request,
    pack_request,
    read_answer,
    read_request,
    response_code,
)
from tests.hsm_sim.known import GOOD
from tests.hsm_sim.known_crypt import ANSWERS_CRYPT
from tests.hsm_sim.known_health import ANSWERS_HEALTH
from tests.hsm_sim.known_keys import ANSWERS_KEYS
from tests.hsm_sim.known_pins import ANSWERS_PINS

ANSWERS = {
    **ANSWERS_HEALTH,
    **ANSWERS_KEYS,
    **ANSWERS_PINS,
    **ANSWERS_CRYPT,
    "NC": {"check_value": "2686040000000000", "firmware": "1500-0023"},
    "B2": {"data": "hello"},
    "CA": {"pin_length": "04", "pin_block": "E8036E5B8BE2DDE3", "format": "01"},
    "CC": {"pin_length": "04", "pin_block": "E8036E5B8BE2DDE3", "format": "01"},
    "DC": {},
    "EC": {},
    "BA": {"pin_under_lmk": "11595"},
    "DG": {"pvv": "7292"},
    "CW": {"cvv": "366"},
    "CY": {},
    "M6": {"mac": "ABF9AFD03C6F5F70"},
    "M8": {},
}


def test_the_answer_code_is_the_command_with_its_second_letter_plus_one() -> None:
    pairs = {"NC": "ND", "N0": "N1", "J8": "J9", "FY": "FZ", "A0": "A1"}
    assert {command: response_code(command) for command in pairs} == pairs


@pytest.mark.parametrize("code", sorted(LAYOUTS))
@pytest.mark.parametrize("length", [0, 4, 12, 255])
def test_what_a_client_builds_an_hsm_reads_and_the_reverse(code: str, length: int) -> None:
    header, trailer = bytes(range(256))[:length], b"\x00\x19\xff"
    frame = build_request(code, header, lmk_id="07", trailer=trailer, **GOOD[code])
    request = read_request(frame, length)
    assert (request.header, request.command, request.error) == (header, code, "00")
    assert (request.fields, request.lmk_id, request.trailer) == (GOOD[code], "07", trailer)

    answer = read_answer(code, build_answer(request, **ANSWERS[code]), length, asked=GOOD[code])
    assert (answer.header, answer.error, answer.fields, answer.trailer) == (header, "00", ANSWERS[code], trailer)
    assert answer.done


@pytest.mark.parametrize("code", sorted(LAYOUTS))
def test_an_error_answer_carries_no_fields(code: str) -> None:
    request = read_request(build_request(code, b"0001", **GOOD[code]), 4)
    frame = build_answer(request, "15", **ANSWERS[code])
    assert frame == b"0001" + response_code(code).encode() + b"15"
    answer = read_answer(code, frame)
    assert (answer.error, answer.fields, answer.done) == ("15", {}, False)


def test_answers_that_depend_on_nothing_asked_are_read_without_it() -> None:
    for code in ("NC", "CC", "CW", "BA", "DG"):
        frame = build_answer(read_request(build_request(code, b"0001", **GOOD[code])), **ANSWERS[code])
        assert read_answer(code, frame).fields == ANSWERS[code]


def test_defaults_are_filled_in() -> None:
    without = {name: value for name, value in GOOD["CC"].items() if name != "maximum_pin_length"}
    assert build_request("CC", b"", **without) == build_request("CC", b"", **GOOD["CC"])
    assert build_request("BA", b"", pin="1234", account="0" * 12) == b"BA1234F000000000000"


def test_bytes_and_text_are_the_same_to_a_client() -> None:
    assert pack_request("B2", b"1", {"data": b"\xff\x00"}) == pack_request("B2", b"1", {"data": "\xff\x00"})


@pytest.mark.parametrize(
    ("command", "fields", "named"),
    [
        ("CC", {}, "source_key"),
        ("CC", {**GOOD["CC"], "account": "SECRET"}, "account"),
        ("CC", {**GOOD["CC"], "acount": "1"}, "acount"),
        ("CW", {**GOOD["CW"], "pan": "4111-1111"}, "pan"),
        ("CW", {**GOOD["CW"], "cvk": "U123"}, "cvk"),
        ("CW", {**GOOD["CW"], "cvk": GOOD["CW"]["cvk"] + "0"}, "cvk"),
    ],
)
def test_a_request_that_does_not_fit_is_our_mistake_and_names_the_field_only(
    command: str, fields: dict[str, str], named: str
) -> None:
    with pytest.raises(LocalProtocolError, match=f"{command}: field {named} ") as caught:
        pack_request(command, b"0001", fields)
    assert "SECRET" not in str(caught.value)


def test_other_mistakes_of_ours() -> None:
    with pytest.raises(LocalProtocolError, match="no layout"):
        build_request("ZZ", b"")
    with pytest.raises(LocalProtocolError, match="no bytes"):
        build_request("B2", b"", data="€")
    with pytest.raises(LocalProtocolError, match="cvv"):
        build_answer(read_request(build_request("CW", b"0001", **GOOD["CW"])), cvv="12")


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"0001CX0", "too short"),
        (b"0001CD00", "something else"),
        (b"0001CX??", "no error code"),
        (b"0001CX00", "cvv cannot be read"),
        (b"0001CX0012x", "cvv cannot be read"),
        (b"0001CX001234", "left over"),
    ],
)
def test_an_answer_that_cannot_be_read_is_the_peers_fault(frame: bytes, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        read_answer("CW", frame)


def test_what_follows_an_error_code_is_ignored() -> None:
    assert read_answer("CW", b"0001CX41whatever").error == "41"


@given(st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=80))
def test_any_answer_is_read_or_refused(code: str, noise: bytes) -> None:
    for frame in (noise, b"0001" + response_code(code).encode() + b"00" + noise):
        try:
            answer = read_answer(code, frame)
        except RemoteProtocolError:
            continue
        assert answer.error.isalnum()


@given(st.binary(min_size=6, max_size=80))
def test_any_request_is_read_and_no_repr_shows_its_fields(noise: bytes) -> None:
    request = read_request(noise)
    assert request.header == noise[:4]
    assert "fields" not in repr(request)


def test_no_repr_shows_a_field() -> None:
    request = read_request(build_request("BA", b"0001", pin="1234", account="0" * 12))
    answer = read_answer("BA", b"0001BB0011595")
    assert "1234" not in repr(request)
    assert "11595" not in repr(answer)
