"""A frame told to people: every field has its place, and no secret has a way to be seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.hsm import LAYOUTS, build_answer, build_request, read_request
from protocols.hsm.shown import UnexplainableError, answer_lines, is_open, lines_of, request_lines, shown, unframed
from tests.hsm_sim.known import BLOCK_UNDER_K1, GOOD, K1_ZPK, K2_ZPK


def test_a_translation_is_told_field_by_field_without_keys_and_pins() -> None:
    frame = build_request("CC", b"0001", lmk_id="00", trailer=b"me", **GOOD["CC"])
    lines = request_lines(frame)
    assert [(line.begins, line.length, line.name) for line in lines] == [
        (0, 4, "header"),
        (4, 2, "command"),
        (6, 33, "source_key"),
        (39, 33, "destination_key"),
        (72, 2, "maximum_pin_length"),
        (74, 16, "pin_block"),
        (90, 2, "source_format"),
        (92, 2, "destination_format"),
        (94, 12, "account"),
        (106, 3, "lmk_id"),
        (109, 3, "trailer"),
    ]
    told = repr(lines)
    for secret in (K1_ZPK, K2_ZPK, BLOCK_UNDER_K1, GOOD["CC"]["account"]):
        assert secret not in told
    assert BLOCK_UNDER_K1 in repr(request_lines(frame, clear=True))


@pytest.mark.parametrize("code", sorted(set(GOOD) & set(LAYOUTS)))
def test_no_value_of_a_closed_field_is_told(code: str) -> None:
    fields = GOOD[code]
    told = {line.name: line.value for line in request_lines(build_request(code, b"0001", **fields))}
    assert "left over" not in told
    for name, value in fields.items():
        if not is_open(name) and len(value) >= 3:
            assert value not in told[name], name


@pytest.mark.parametrize(
    "name",
    ["pin", "pan", "account", "expiry", "pin_block", "cvv", "pvv", "offset", "data", "message", "component",
     "pin_under_lmk", "key", "zmk", "track", "trailer", "anything nobody has named yet"],
)  # fmt: skip
def test_secrets_are_closed(name: str) -> None:
    assert not is_open(name)
    assert "123456" not in shown(name, "1234567890123456")


def test_an_answer_is_told_with_what_its_error_means() -> None:
    request = read_request(b"0001NC")
    good = answer_lines(build_answer(request, check_value="2686040000000000", firmware="1500-0023"))
    assert [line.value for line in good] == [
        "0001",
        "ND: to NC, health and LMK check",
        "00: done",
        "2686040000000000",
        "1500-0023",
    ]
    assert lines_of(b"0001CD20")[-1].value == "20: PIN block holds no valid PIN"


def test_what_cannot_be_read_is_told_by_its_field_and_code() -> None:
    line = request_lines(b"0001CCQgarbage")[-1]
    assert (line.name, line.begins, line.length) == ("source_key", 6, 8)
    assert line.value.startswith("cannot be read: 26")


@given(st.binary(max_size=80))
def test_any_bytes_are_told_or_refused(noise: bytes) -> None:
    for header in (0, 4):
        try:
            lines = lines_of(noise, header)
        except UnexplainableError:
            continue
        assert sum(line.length for line in lines if line.begins is not None) <= len(noise) + 200


@given(st.sampled_from(sorted(set(GOOD) & set(LAYOUTS))), st.binary(max_size=60))
def test_a_command_with_noise_behind_it_is_told(code: str, noise: bytes) -> None:
    assert lines_of(b"0001" + code.encode() + noise)


def test_a_length_in_front_is_taken_off() -> None:
    assert unframed(b"\x00\x060001NC") == b"0001NC"


def test_a_key_is_told_by_its_scheme_whatever_its_field_is_called() -> None:
    for command, names in (("A4", ("component_1", "component_2")), ("KY", ("mk_smc", "zek")), ("DC", ("pvk",))):
        told = {line.name: line.value for line in request_lines(build_request(command, b"0001", **GOOD[command]))}
        assert {told[name] for name in names} == {"U [32 hex digits]"}
