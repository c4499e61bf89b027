"""The importer: a packager's file becomes a dialect that reads and writes; what it cannot follow it says."""

import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.__main__ import main
from loadtest.jpos import CLASSES, PackagerError, imported
from protocols.dialect_file import dialect_from

HEAD = '<?xml version="1.0"?><!DOCTYPE isopackager PUBLIC "-//jPOS/DTD" "http://127.0.0.1:1/generic-packager.dtd">'


def packager(*fields: tuple[int, int, str], more: str = "") -> bytes:
    rows = "".join(
        f'<isofield id="{number}" length="{length}" name="x" class="org.jpos.iso.{kind}"/>'
        for number, length, kind in fields
    )
    return f"{HEAD}<isopackager{more}>{rows}</isopackager>".encode()


ASCII_HEAD = ((0, 4, "IFA_NUMERIC"), (1, 16, "IFA_BITMAP"))
BINARY_HEAD = ((0, 4, "IFB_NUMERIC"), (1, 16, "IFB_BITMAP"))


def test_an_ascii_packager_is_our_ascii_dialect_and_only_what_differs_is_written() -> None:
    found = imported(
        packager(*ASCII_HEAD, (2, 19, "IFA_LLNUM"), (48, 500, "IFA_LLLCHAR"), (4, 12, "IFA_NUMERIC")), "a.xml"
    )
    content = tomllib.loads(found.toml)
    assert content["base"] == "iso87_ascii"
    assert content["48"] == {"max_len": 500}
    assert set(content) == {"base", "title", "48"}


def test_a_binary_packager_writes_packed_digits_and_its_message_comes_back() -> None:
    found = imported(
        packager(
            *BINARY_HEAD, (2, 19, "IFB_LLNUM"), (41, 8, "IF_CHAR"), (48, 99, "IFB_LLHCHAR"), (52, 8, "IFB_BINARY")
        ),
        "b.xml",
    )
    dialect = dialect_from("b.toml", tomllib.loads(found.toml))
    frame = dialect.encode("0100", {2: "97841000000000191", 41: "TERM0001", 48: "abc", 52: "0123456789ABCDEF"})
    assert b"\x03abc" in frame
    message = dialect.decode(frame)
    assert (message.get(2), message.get(48)) == ("97841000000000191", "abc")


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_every_class_is_taken_or_left_with_a_remark(kind: str) -> None:
    found = imported(packager(*ASCII_HEAD, (63, 20, kind)), "c.xml")
    dialect_from("c.toml", tomllib.loads(found.toml))


def test_what_is_not_known_is_told_and_left_as_the_base_has_it() -> None:
    found = imported(packager(*ASCII_HEAD, (62, 20, "IFX_ODD"), (4, 10, "IFA_NUMERIC")), "d.xml")
    told = " ".join(found.remarks)
    assert "DE 62: IFX_ODD is not known here" in told
    assert "DE 4 left as iso87_ascii has it" in told
    assert found.toml.startswith("# Imported from d.xml. What could not be followed:")


def test_a_class_cannot_write_into_the_dialect() -> None:
    found = imported(packager(*ASCII_HEAD, (62, 20, "X&#10;base = 1&#10;")), "i.xml")
    assert tomllib.loads(found.toml)["base"] == "iso87_ascii"


def test_subfields_are_taken_whole_and_not_for_fields() -> None:
    inner = '<isofieldpackager id="48" length="200" class="org.jpos.iso.IFA_LLLCHAR" packager="x">'
    inner += '<isofield id="2" length="3" class="org.jpos.iso.IFA_NUMERIC"/></isofieldpackager>'
    data = packager(*ASCII_HEAD).replace(b"</isopackager>", inner.encode() + b"</isopackager>")
    content = tomllib.loads(imported(data, "e.xml").toml)
    assert content["48"]["max_len"] == 200
    assert "2" not in content


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<isopackager>",
        b"<other/>",
        b"<isopackager/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><isopackager/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><isopackager><isofield id="2"/>&b;</isopackager>',
        b" " * 2_000_000,
    ],
)
def test_what_is_no_packager_or_declares_entities_is_refused(data: bytes) -> None:
    with pytest.raises(PackagerError):
        imported(data, "f.xml")


@given(st.lists(st.tuples(st.integers(-5, 200), st.integers(-5, 20_000), st.sampled_from([*sorted(CLASSES), "X"]))))
def test_any_packager_becomes_a_dialect_or_an_error(fields: list[tuple[int, int, str]]) -> None:
    with suppress(PackagerError):
        dialect_from("g.toml", tomllib.loads(imported(packager(*fields), "g.xml").toml))


def test_the_command_writes_a_file_and_tells_what_it_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / 'my "host".xml', tmp_path / "host.toml"
    source.write_bytes(packager(*ASCII_HEAD, (48, 500, "IFA_LLLCHAR"), more=' headerLength="5"'))
    assert main(["import-jpos", str(source), "--out", str(target)]) == 0
    assert tomllib.loads(target.read_text())["48"]["max_len"] == 500
    assert "a header of 5 bytes" in capsys.readouterr().err
    assert main(["import-jpos", str(tmp_path / "none.xml")]) == 2
