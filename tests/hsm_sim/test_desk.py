"""The desk: whatever frame comes, one answer goes, and it is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.commands import COMMANDS
from hsm_sim.desk import Desk
from hsm_sim.settings import Settings
from protocols.errors import RemoteProtocolError
from protocols.hsm import build_request, response_code
from tests.hsm_sim.known import GOOD, Bench, counted_up

# Their data have no length of their own: whatever is appended is data, but for an LMK id and a trailer.
FREE_END = {"MA", "MC", "ME"}


@pytest.mark.parametrize("length", [0, 1, 4, 12, 255])
def test_a_header_of_any_length_comes_back_byte_for_byte(length: int) -> None:
    header = bytes(n % 256 for n in range(25, 25 + length))
    answer = Bench(header_length=length).desk.answer(header + b"NC")
    assert answer == header + b"ND0026860400000000001500-0023"


def test_a_trailer_comes_back_also_after_binary_data_that_looks_like_one(bench: Bench) -> None:
    request = build_request("B2", b"0001", data=b"\x19%99\x19", lmk_id="00", trailer=b"\x00\x19\xff")
    assert bench.desk.answer(request) == b"0001B300\x19%99\x19\x19\x00\x19\xff"


def test_a_trailer_comes_back_with_an_error_too(bench: Bench) -> None:
    assert bench.desk.answer(b"0001ZZ\x19me") == b"0001Z[68\x19me"
    assert bench.desk.answer(b"0001CWgarbage\x19me") == b"0001CX26\x19me"


def test_a_trailer_longer_than_32_bytes_is_too_much_data(bench: Bench) -> None:
    assert bench.desk.answer(b"0001NC\x19" + b"t" * 33) == b"0001ND15"


def test_an_unknown_command_and_a_disabled_one_are_68() -> None:
    bench = Bench(disabled_commands=frozenset({"NC"}))
    assert bench.desk.answer(b"0001NC") == b"0001ND68"
    assert bench.desk.answer(b"0001\xff\xff") == b"0001\xff\x0068"
    assert bench.ask_good("CC").error == "00"


@pytest.mark.parametrize("code", sorted(set(COMMANDS) - {"J4"}))  # J4 counts itself: no two answers are alike
def test_every_command_takes_its_lmk_by_id_and_answers_13_to_an_unknown_one(bench: Bench, code: str) -> None:
    request = build_request(code, b"0001", **GOOD[code])
    good = bench.desk.answer(request)
    assert bench.desk.answer(request + b"%00") == good
    assert bench.desk.answer(request + b"~%00") == good
    for unknown in (b"%03", b"%99", b"~%04"):
        assert bench.desk.answer(request + unknown)[6:8] == b"13"
    if code not in FREE_END:
        assert bench.desk.answer(request + b"%zz")[6:8] == b"13"
        assert bench.desk.answer(request + b"%0")[6:8] in (b"13", b"15")


@pytest.mark.parametrize("code", sorted(set(COMMANDS) - FREE_END))
def test_data_left_over_is_15(bench: Bench, code: str) -> None:
    # A PIN under the LMK (DG, QK) is as long as what follows leaves it, so what is amiss is a field behind it.
    expected = {"DG": b"21", "QK": b"22"}.get(code, b"15")
    assert bench.desk.answer(build_request(code, b"0001", **GOOD[code]) + b"!")[6:8] == expected


@pytest.mark.parametrize("code", sorted(code for code in COMMANDS if GOOD.get(code)))
def test_a_request_cut_anywhere_is_an_error_and_never_a_defect(bench: Bench, code: str) -> None:
    request = build_request(code, b"0001", **GOOD[code])
    for cut in range(6, len(request)):
        error = bench.desk.answer(request[:cut])[6:8]
        # A0, BU and JA end in optional fields, MA in data: some of their beginnings are requests of their own.
        assert error != b"41"
        assert error != b"00" or code in ("A0", "BU", "JA", "MA"), cut


@pytest.mark.parametrize("frame", [b"", b"0001", b"0001N"])
def test_a_frame_too_short_for_header_and_command_raises(bench: Bench, frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        bench.desk.answer(frame)


def test_bad_input_of_a_known_kind_has_its_code(bench: Bench) -> None:
    for code, changes, error in (
        ("CC", {"account": "11111111111"}, "22"),
        ("CC", {"source_format": "0x"}, "23"),
        ("EC", {"pvki": "x"}, "21"),
        ("EC", {"pvv": "12²4"}, "15"),
        ("CW", {"pan": "1" * 20}, "15"),
        ("M6", {"algorithm": "2"}, "04"),
    ):
        fields = {**GOOD[code], **changes}
        frame = b"0001" + code.encode() + _raw(code, fields)
        assert bench.desk.answer(frame)[6:8].decode() == error, (code, changes)


def _raw(code: str, fields: dict[str, str]) -> bytes:
    """The fields as they stand, fit or not."""
    delimited = {"pan": ";"}
    return "".join(value + delimited.get(name, "") for name, value in fields.items()).encode("latin-1")


def test_data_shorter_than_its_length_is_80_and_longer_15(bench: Bench) -> None:
    assert bench.desk.answer(b"0001B20005hell") == b"0001B380"
    assert bench.desk.answer(b"0001B20005hello!") == b"0001B315"
    assert bench.desk.answer(b"0001B2") == b"0001B380"


@given(st.sampled_from(sorted(COMMANDS)), st.binary(max_size=200))
def test_noise_behind_a_command_is_answered_and_is_no_defect(code: str, noise: bytes) -> None:
    answer = Bench().desk.answer(b"0001" + code.encode() + noise)
    assert answer.startswith(b"0001" + response_code(code).encode())
    assert len(answer) >= 8


@given(st.binary(min_size=6, max_size=60))
def test_noise_is_answered_and_is_no_defect(noise: bytes) -> None:
    assert Bench().desk.answer(noise).startswith(noise[:4])


@given(st.sampled_from(sorted(code for code in COMMANDS if GOOD[code] and not COMMANDS[code].slow)), st.data())
def test_a_good_request_with_one_byte_changed_is_answered_and_is_no_defect(code: str, data: st.DataObject) -> None:
    frame = bytearray(build_request(code, b"0001", **GOOD[code]))
    frame[data.draw(st.integers(6, len(frame) - 1))] = data.draw(st.integers(0, 255))
    assert len(Bench().desk.answer(bytes(frame))) >= 8


def test_a_defect_of_ours_is_41_reported_and_survived() -> None:
    reported: list[tuple[str, Exception]] = []

    def broken(count: int) -> bytes:
        raise ZeroDivisionError("PIN 1234 in the text of an error")

    desk = Desk(Settings(), broken, lambda command, error: reported.append((command, error)))
    asked = {**GOOD["CC"], "destination_format": "47"}
    assert desk.answer(build_request("CC", b"0001", **asked)) == b"0001CD41"
    assert [(command, type(error)) for command, error in reported] == [("CC", ZeroDivisionError)]
    assert desk.answer(b"0001NC")[6:8] == b"00"


def test_answers_are_counted_by_command_and_code_and_the_unknown_as_one() -> None:
    desk = Desk(Settings(), counted_up)
    for frame in (b"0001NC", b"0001NC", b"0001ZZ", b"0001YY", b"0001NC!"):
        desk.answer(frame)
    assert desk.counts == {("NC", "00"): 2, ("NC", "15"): 1, ("unknown", "68"): 2}


def test_two_desks_with_the_same_randomness_answer_the_same() -> None:
    asked = {"mode": "0", "key_type": "001", "scheme": "U"}
    assert Bench().ask("A0", **asked) == Bench().ask("A0", **asked)
