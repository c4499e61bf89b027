"""Agreements: what may stand in one, that the documentation of it is true, and what is said of one that is wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from protocols import dialects, framings
from protocols.dialects import dialect_named
from protocols.network import NetworkError
from protocols.participant import Participant, dialect_of, framing_of, gather, load_participants

DOCUMENT = (Path(__file__).parents[2] / "docs" / "participants.md").read_text()
WHO = {"id": "gulf", "name": "Gulf Bank", "roles": ["gateway"], "institution_id": "414002"}


def cells(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of the document, without its head."""
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


OPTIONS = [row for heading in ("Who it is", "How it speaks", "How it is met") for row in cells(heading)]


def agreed(**options: object) -> Participant:
    return Participant.model_validate(WHO | options)


def problems_of(folder: Path, text: str) -> list[str]:
    file = folder / "gulf.toml"
    file.write_text('id = "gulf"\nname = "Gulf Bank"\nroles = ["gateway"]\ninstitution_id = "414002"\n' + text)
    with pytest.raises(NetworkError) as raised:
        gather([file])
    return raised.value.problems


# --- the document


@pytest.mark.parametrize("row", OPTIONS, ids=[row[0].strip("`") for row in OPTIONS])
def test_every_example_of_the_document_loads(row: list[str]) -> None:
    example = tomllib.loads("\n".join(line.strip("`") for line in row[3].split("<br>")))
    option = row[0].strip("`")
    assert option in example
    assert getattr(agreed(**example), option) != Participant.model_fields[option].default


def test_every_option_is_in_the_document() -> None:
    assert {row[0].strip("`") for row in OPTIONS} == set(Participant.model_fields)


@pytest.mark.parametrize("row", OPTIONS, ids=[row[0].strip("`") for row in OPTIONS])
def test_the_defaults_of_the_document_are_true(row: list[str]) -> None:
    if row[1].startswith("`"):
        told = tomllib.loads(f"value = {row[1].strip('`')}")["value"]
        assert told == Participant.model_fields[row[0].strip("`")].default


def test_every_framing_is_in_the_document_in_its_own_words() -> None:
    told = {name.strip("`"): title for name, title in cells("Framings")}
    for name in framings.names():
        family = "header(n)" if name.startswith("header") else name
        title = framings.framing(name).title
        assert told[family].startswith(title.replace("12", "n").replace("22", "n") if family != name else title)
    assert len(told) == len({re.sub(r"\d+\)", "n)", name) for name in framings.names()})


def test_every_dialect_is_in_the_document_in_its_own_words() -> None:
    told = {name.strip("`"): title for name, title in cells("Dialects")}
    assert told == {name: dialect_named(name).title for name in dialects.names()}


def test_the_agreements_of_the_demonstration_are_sound() -> None:
    assert {"lab", "nbk"} <= load_participants().keys()


# --- framing, dialect, header


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('framing = "len3"', r"gulf.toml: framing: there is no such framing; there are .*len2_bcd_incl.*header\(n\)"),
        ('framing = "header(0)"', "gulf.toml: framing: there is no such framing"),
        ('dialect = "klingon"', "gulf.toml: dialect: there is no such dialect; there are .*iso87_ascii"),
        ('header = "60000"', "gulf.toml: header: String should match"),
        ('header = "6000010002"', "gulf.toml: header: neither len2 nor the dialect has a place for one"),
        ('header_answer = "swap"', "gulf.toml: header: neither len2 nor the dialect has a place for one"),
        ('framing = "tpdu"\nheader = "600001"', "gulf.toml: header: our own header is 3 bytes long, not 5"),
        ('framing = "header(12)"\nheader_answer = "swap"', "gulf.toml: header: a header of 12 bytes has no"),
        (
            'framing = "header(12)"\nheader_answer = "turn"',
            "gulf.toml: header_answer: Input should be 'echo'",
        ),
    ],
)
def test_what_nobody_can_speak_is_a_problem(tmp_path: Path, text: str, problem: str) -> None:
    problems = problems_of(tmp_path, text)
    assert len(problems) == 1
    assert re.search(problem, problems[0])


def test_two_wrong_names_are_two_problems(tmp_path: Path) -> None:
    assert len(problems_of(tmp_path, 'framing = "len3"\ndialect = "klingon"')) == 2


def test_a_wrong_name_is_not_repeated(tmp_path: Path) -> None:
    """Somebody may have pasted a key there."""
    told = problems_of(tmp_path, 'framing = "U235B54ED775B7F5A59FD9CF0F8FDCEF2"\n')
    assert "235B54" not in "".join(told)


@pytest.mark.parametrize("name", framings.names())
def test_a_participant_has_the_framing_it_names(name: str) -> None:
    framing = framing_of(agreed(framing=name, keep_alive=True))
    assert (framing.name, framing.keep_alive) == (name, True)


@pytest.mark.parametrize("name", dialects.names())
def test_a_participant_has_the_dialect_it_names(name: str) -> None:
    assert dialect_of(agreed(dialect=name)) is dialect_named(name)


ECHO = {7: "1123205144", 11: "000001", 70: "301"}
TPDU, TURNED = bytes.fromhex("6000010002"), bytes.fromhex("6000020001")


@pytest.mark.parametrize(
    ("options", "came", "goes"),
    [
        ({"framing": "tpdu"}, TPDU, TURNED),
        ({"framing": "tpdu", "header_answer": "swap"}, TPDU, TURNED),
        ({"framing": "tpdu", "header_answer": "echo"}, TPDU, TPDU),
        ({"framing": "header(5)"}, TPDU, TPDU),
        ({"framing": "header(5)", "header_answer": "swap"}, TPDU, TURNED),
        ({"framing": "header(12)"}, b"ABCDEFGHIJKL", b"ABCDEFGHIJKL"),
    ],
)
def test_an_answer_has_the_header_that_was_agreed(options: dict[str, object], came: bytes, goes: bytes) -> None:
    dialect = dialect_of(agreed(**options))
    request = dialect.decode(came + dialect.bare.encode("0800", ECHO))
    assert request.answered({39: "00"}).startswith(goes + b"0810")


def test_our_own_header_stands_before_what_we_begin() -> None:
    dialect = dialect_of(agreed(framing="tpdu", header="6000010002"))
    assert dialect.encode("0800", ECHO).startswith(TPDU + b"0800")


def test_all_links_of_an_agreement_share_one_dialect() -> None:
    assert dialect_of(agreed(framing="tpdu")) is dialect_of(agreed(framing="tpdu", id="other"))


def test_a_dialect_with_a_header_needs_no_framing_with_one() -> None:
    if "ebcdic_base1" in dialects.names():
        base_one = dialect_named("ebcdic_base1")
        assert dialect_of(agreed(dialect="ebcdic_base1", framing="header(22)")) is base_one
        assert dialect_of(agreed(dialect="ebcdic_base1", framing="len2")) is base_one
        own = dialect_of(agreed(dialect="ebcdic_base1", header="AB" * 22)).encode("0800", ECHO)
        assert own.startswith(b"\xab" * 3)


def test_a_dialect_and_a_framing_with_different_headers_do_not_go_together(tmp_path: Path) -> None:
    if "ebcdic_base1" in dialects.names():
        problems = problems_of(tmp_path, 'dialect = "ebcdic_base1"\nframing = "tpdu"')
        assert "22 bytes in the dialect, and 5 in tpdu" in problems[0]
