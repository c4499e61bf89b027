"""Several commands in one frame (NK), American Express codes (RY), dynamic values (QY)."""

import pytest

from protocols.hsm import build_request, codes, read_request, response_code
from protocols.hsm.byte_fields import chained, unchained
from tests.hsm_sim.known import GOOD, K1_CVK, K1_ZPK, Bench

CC = build_request("CC", b"", **GOOD["CC"]).decode("latin-1")


# NK


def chain(bench: Bench, *frames: str, header_flag: str = "0", count: int | None = None, **more: str) -> list[str]:
    """The answers to these frames in one."""
    number = f"{len(frames) if count is None else count:02d}"
    answer = bench.ask("NK", header_flag=header_flag, commands=number, requests=chained(frames), **more)
    assert answer.error == "00"
    assert answer.fields["commands"] == number
    return list(unchained(answer.fields["answers"]))


def test_each_command_of_a_chain_is_answered_as_if_it_had_come_alone(bench: Bench) -> None:
    bad = CC.replace(K1_ZPK, K1_CVK)
    answers = chain(bench, "NC", CC, bad, "ZZ", "B20004ping")
    assert [one[:4] for one in answers] == ["ND00", "CD00", "CD10", "Z[68", "B300"]
    assert answers[1] == bench.desk.answer(b"0001" + CC.encode())[4:].decode()
    assert bench.desk.counts["CC", "00"] == 2
    assert bench.desk.counts["NK", "00"] == 1


def test_a_chain_of_frames_with_headers_gives_each_its_own_back(bench: Bench) -> None:
    answers = chain(bench, "AAAANC", "BBBBB20001x", header_flag="1")
    assert [one[:8] for one in answers] == ["AAAAND00", "BBBBB300"]


def test_the_lmk_of_a_chain_is_that_of_its_commands(bench: Bench) -> None:
    assert chain(bench, "NC", lmk_id="01") == ["ND008E0EC000000000001500-0023"]
    assert chain(bench, "NC%02")[0][:8] == "ND009D04"


def test_a_chain_within_a_chain_and_what_takes_long_are_68(bench: Bench) -> None:
    made = build_request("EI", b"", **GOOD["EI"]).decode("latin-1")
    assert chain(bench, "NK001" + chained(["NC"]), made) == ["NL68", "EJ68"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NK000", "15"),
        ("NK002" + chained(["NC"]), "15"),
        ("NK0010003N", "15"),
        ("NK001" + chained(["N"]), "15"),
        ("NK201" + chained(["NC"]), "51"),
        ("NK101" + chained(["NC"]), "15"),
        ("NK099" + chained(["N0999"] * 99), "80"),  # a hundred thousand bytes are no answer
    ],
)
def test_a_chain_that_is_none_is_refused_as_a_whole(text: str, code: str) -> None:
    answer = Bench(randomness=bytes).desk.answer(b"0001" + text.encode())
    assert answer == f"0001NL{code}".encode()


def test_what_is_disabled_is_disabled_in_a_chain_too() -> None:
    assert chain(Bench(disabled_commands=frozenset({"CC"})), CC) == ["CD68"]


# RY

CARD = {name: value for name, value in GOOD["RY"].items() if name != "mode"}
MADE = {"csc_five": "40375", "csc_four": "8328", "csc_three": "225"}


@pytest.mark.parametrize(
    ("changes", "error", "results"),
    [
        ({}, "00", "000"),
        ({"csc_five": "FFFFF"}, "00", "100"),
        ({"csc_five": "FFFFF", "csc_three": "FFF"}, "00", "101"),
        ({"csc_four": "8329"}, "01", "020"),
        ({"csc_five": "FFFFF", "csc_four": "FFFF", "csc_three": "224"}, "01", "112"),
        ({"expiry": "9911"}, "01", "222"),
    ],
)
def test_each_security_code_of_a_card_holds_is_absent_or_wrong(
    bench: Bench, changes: dict[str, str], error: str, results: str
) -> None:
    answer = bench.ask("RY", mode="4", **{**CARD, **MADE, **changes})
    told = "".join(answer.fields[f"{name}_result"] for name in MADE)
    assert (answer.error, answer.fields["mode"], told) == (error, "4", results)


def test_the_second_algorithm_takes_the_service_code_as_well(bench: Bench) -> None:
    one, other = (bench.ask("RY", mode="3", **{**CARD, "flag": "2"}, service_code=code) for code in ("702", "000"))
    assert one.fields["csc_four"] != other.fields["csc_four"]
    verified = bench.ask("RY", mode="4", **{**CARD, "flag": "2"}, service_code="702", **_codes(one.fields))
    assert verified.error == "00"
    assert bench.ask("RY", mode="4", **{**CARD, "flag": "2"}, service_code="703", **_codes(one.fields)).error == "01"


def _codes(fields: dict[str, str]) -> dict[str, str]:
    return {name: fields[name] for name in MADE}


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"csck": K1_ZPK}, "10"), ({"csck": K1_CVK[1:17]}, "15"), ({"csck": "Z" + K1_CVK[1:17]}, "27")],
)
def test_a_key_for_security_codes_is_a_double_one_of_its_type(bench: Bench, changes: dict[str, str], code: str) -> None:
    text = "RY30" + changes["csck"] + CARD["account"] + CARD["expiry"]
    assert bench.desk.answer(b"0001" + text.encode())[6:] == code.encode()


# QY


@pytest.mark.parametrize("scheme", ["0", "1"])
def test_a_dynamic_value_made_here_verifies_here(bench: Bench, scheme: str) -> None:
    card = {**GOOD["QY"], "scheme": scheme}
    if scheme == "0":
        card["track_data"] = "2512201"
    value = bench.ask("QY", **card).fields["value"]
    assert bench.ask("PM", **card, value=value).error == "00"
    assert bench.ask("PM", **{**card, "atc": "00095"}, value=value).error == codes.NOT_VERIFIED


def test_a_command_we_do_not_know_has_an_answer_code_by_the_rule() -> None:
    assert response_code("ZZ") == "Z["
    assert read_request(b"0001ZZ").error == "68"
