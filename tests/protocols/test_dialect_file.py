"""A participant's own dialect as a file: read like pyiso8583 reads it, and every mistake named at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import iso8583
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iso8583.specs import default_ascii

from protocols.dialect_file import dialect_from, load_dialects
from protocols.dialects import dialect_named, names
from protocols.errors import FormatError
from protocols.network import NetworkError
from protocols.participant import dialect_of, load_participants
from tests import builders
from tests.protocols.wire import own, told, values

EVERY = [dialect_named(name) for name in names()]

AGREEMENT = """
id = "own"
name = "A bank with a dialect of its own"
roles = ["issuer"]
institution_id = "784999"
dialect = "{dialect}"
"""


def network(folder: Path, **files: str) -> Path:
    """A network's folder with these dialects and one participant that speaks `own.toml`."""
    (folder / "participants").mkdir()
    (folder / "participants" / "own.toml").write_text(AGREEMENT.format(dialect="own.toml"))
    if files:
        (folder / "dialects").mkdir()
    for name, content in files.items():
        (folder / "dialects" / name.replace("_", ".")).write_text(content)
    return folder


def problems(content: dict[str, Any]) -> list[str]:
    with pytest.raises(NetworkError) as raised:
        dialect_from("mine.toml", content)
    return raised.value.problems


@settings(deadline=None)  # a codec is made for every example
@given(st.data(), st.sampled_from(EVERY))
def test_a_spec_dumped_as_json_is_the_same_dialect(data: st.DataObject, dialect: Any) -> None:
    content = json.loads(json.dumps(dialect.bare.spec)) | {"edition": 1993 if dialect.version == "1" else 1987}
    again = dialect_from("mine.json", content)
    elements = data.draw(values(dialect))
    frame = again.encode(own(dialect, "0100"), elements)
    assert frame == dialect.bare.encode(own(dialect, "0100"), elements)
    assert frame == bytes(iso8583.encode({"t": own(dialect, "0100"), **told(dialect, elements)}, content)[0])
    assert dict(again.decode(frame).items()) == elements


def test_the_example_that_is_shipped_fills_up_with_f() -> None:
    dialect = load_dialects()["example.toml"]
    frame = dialect.encode("0100", {2: "378282246310005", 3: "000000", 4: "000000001000", 11: "123456", 49: "784"})
    assert frame.hex() == "0100702000000000800015378282246310005f0000000000000010001234560784"
    assert dialect.decode(frame).get(2) == "378282246310005"
    with pytest.raises(FormatError):
        dialect.decode(frame.replace(b"\x00\x5f", b"\x00\x50"))


def test_a_participant_speaks_the_file_that_its_agreement_names(tmp_path: Path) -> None:
    folder = network(tmp_path, own_toml='base = "ebcdic_cis"\n[48]\nmax_len = 500\n')
    dialect = dialect_of(load_participants(folder)["own"])
    assert dialect.name == "own.toml"
    assert dialect.spec["48"]["max_len"] == 500
    assert dialect.decode(dialect.encode("0100", builders.values())).stan == "000123"
    assert dialect_named("own.toml+5").encode("0800", {11: "000001"})[:9] == bytes(5) + "0800".encode("cp500")


def test_a_network_without_such_a_folder_loads_as_ever(tmp_path: Path) -> None:
    assert load_dialects(tmp_path) == {}


def test_an_agreement_that_names_no_file_is_a_problem(tmp_path: Path) -> None:
    folder = network(tmp_path)
    (folder / "participants" / "own.toml").write_text(AGREEMENT.format(dialect="nowhere.toml"))
    with pytest.raises(NetworkError) as raised:
        load_participants(folder)
    assert "no dialect is called 'nowhere.toml'" in str(raised.value)


def test_every_problem_of_every_file_is_reported_at_once(tmp_path: Path) -> None:
    folder = network(
        tmp_path,
        own_toml='base = "iso87_latin"\nframing = "semaphore"\n[2]\nmax_length = 5\n',
        other_json='{"base": "iso87_ascii", "3": {"max_len": 7}, "48": {"data_enc": "utf-16"}}',
        third_json="[",
    )
    with pytest.raises(NetworkError) as raised:
        load_dialects(folder)
    found = raised.value.problems
    for name, path in (
        ("other.json", "3.max_len"),
        ("other.json", "48.data_enc"),
        ("own.toml", "base"),
        ("own.toml", "framing"),
        ("own.toml", "2.max_length"),
        ("third.json", "not JSON"),
    ):
        assert any(name in problem and path in problem for problem in found), (name, path, found)


WRONG_ROWS = {
    "no such encoding": ({"48": {"data_enc": "klingon"}}, "48.data_enc"),
    "an encoding of several bytes": ({"48": {"data_enc": "utf-16"}}, "48.data_enc"),
    "a codec that is no character set": ({"48": {"data_enc": "rot13"}}, "48.data_enc"),
    "no such length encoding": ({"48": {"len_enc": "roman"}}, "48.len_enc"),
    "a prefix that cannot say it": ({"48": {"len_enc": "b", "len_type": 1}}, "48.max_len"),
    "a length that is a word": ({"48": {"max_len": "999"}}, "48.max_len"),
    "a length of nothing": ({"48": {"max_len": 0}}, "48.max_len"),
    "a length beyond all frames": ({"48": {"len_type": 4, "max_len": 10000}}, "48.max_len"),
    "a prefix wider than any": ({"48": {"len_type": 5}}, "48.len_type"),
    "an amount of another length": ({"4": {"max_len": 10}}, "4.max_len"),
    "counted in nobody's units": ({"2": {"len_count": "digits"}}, "2.len_count"),
    "a pad of two": ({"2": {"left_pad": "00"}}, "2.left_pad"),
    "a pad that is no digit": ({"2": {"left_pad": "="}}, "2.left_pad"),
    "an odd one out": ({"49": {"data_enc": "b", "len_count": "nibbles"}}, "49.max_len"),
    "a property of nobody's": ({"49": {"encoding": "b"}}, "49.encoding"),
    "a row that is none": ({"129": {"max_len": 1}}, "129"),
    "a row that is a word": ({"48": "ascii"}, "48"),
    "a bitmap in two ways": ({"1": {"data_enc": "b"}}, "1.data_enc"),
    "a header with a prefix": ({"h": {"len_type": 2}}, "h.len_type"),
    "a header without end": ({"h": {"max_len": 1000}}, "h.max_len"),
    "another edition": ({"edition": 1993}, "edition"),
    "no edition at all": ({"edition": 2003}, "edition"),
    "a base that is a file": ({"base": "mine.toml"}, "base"),
}


@pytest.mark.parametrize(("wrong", "path"), WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_a_row_that_cannot_be_is_named(wrong: dict[str, Any], path: str) -> None:
    found = problems({"base": "iso87_ascii", **wrong})
    assert any(problem.startswith(f"dialects/mine.toml: {path}") for problem in found), found


def test_without_a_base_every_row_must_be_there() -> None:
    content = {row: dict(stated) for row, stated in default_ascii.items() if row not in ("35", "h", "65")}
    del content["4"]["max_len"]
    assert problems(content) == [
        "dialects/mine.toml: 35: missing; a file without a base has every row",
        "dialects/mine.toml: 4.max_len: missing",
    ]


def test_a_header_of_the_file_is_a_header_of_its_messages() -> None:
    dialect = dialect_from("mine.toml", {"base": "iso87_ascii", "h": {"max_len": 12}})
    message = dialect.decode(b"HDR-00000042" + builders.frame("0800"))
    assert message.header == b"HDR-00000042"
    assert message.answered({39: "00"})[:16] == b"HDR-000000420810"


def test_whole_bytes_of_digits_stand_for_the_digits_that_the_element_has() -> None:
    """DE 49 has three digits; a spec that counts bytes can only say two bytes."""
    dialect = dialect_from("mine.toml", {"base": "iso87_ascii", "49": {"data_enc": "b", "max_len": 2}})
    frame = dialect.encode("0100", {49: "784"})
    assert frame[-2:].hex() == "0784"
    assert dialect.decode(frame).get(49) == "784"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
properties = st.sampled_from(("data_enc", "len_enc", "len_type", "max_len", "len_count", "left_pad", "right_pad"))
likely = st.sampled_from(("b", "bcd", "cp500", "ascii", "nibbles", "bytes", "0", "F", "", 0, 1, 2, 3, 12, 255))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(("h", "t", "p", "1", "2", "4", "28", "35", "48", "49", "52", "55", "base", "edition")),
        json_values | st.dictionaries(properties, likely, max_size=5),
        max_size=4,
    )
)
def test_any_file_at_all_is_a_dialect_that_works_or_a_list_of_problems(content: dict[str, Any]) -> None:
    try:
        dialect = dialect_from("mine.json", {"base": "iso87_binary", **content})
    except NetworkError as error:
        assert error.problems
        return
    said = {11: "000123", 70: "301"}
    assert dict(dialect.decode(dialect.encode("0800", said)).items()) == said
