"""Reading a message for a person: any form, any dialect, never a secret, and always where it breaks."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocols import dialects, framings
from protocols.dialects import dialect_named
from protocols.framing import framing_named
from switch.cli import main
from switch.inspection import Given, inspect_given, meant, nested

VALUES = {
    2: "9414100000000017",
    3: "000000",
    4: "000000012000",
    7: "1123205144",
    11: "000123",
    35: "9414100000000017=29121010000012300000",
    41: "UAEM0001",
    48: "4202059203123",
    49: "784",
    52: "0123456789ABCDEF",
    54: "0040784D000000001000",
    # A counter, track 2, the card number, a template with the cardholder's name and one that nobody knows in it.
    55: "9F36020042" + "57129414100000000017D2912101000012300000" + "5A089414100000000017" + "E10A5F20035A5A5ADF0101AB",
}
SECRETS = ("9414100000000017", "0123456789ABCDEF", "29121010000012300000", "9203123", "5A5A5A", "ZZZ")


LEN2 = framing_named("len2")


def frame_in(dialect: str) -> bytes:
    spoken = dialect_named(dialect)
    return spoken.encode(f"{spoken.version}100", VALUES)


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.mark.parametrize("dialect", dialects.names())
def test_a_message_of_any_dialect_is_recognised(dialect: str) -> None:
    reading = inspect_given([Given("hex", frame_in(dialect))])
    assert (reading.is_whole, reading.dialect, reading.framing) == (True, dialect, "none")
    assert [row.number for row in reading.messages[0].rows] == sorted(VALUES)


@pytest.mark.parametrize("framing", framings.names())
def test_a_capture_with_length_headers_is_cut_into_its_messages(framing: str) -> None:
    spoken = framing_named(framing)
    packed = spoken.pack(bytes(spoken.header_length) + frame_in("iso87_ascii"))
    reading = inspect_given([Given("bytes", packed * 3)])
    assert (reading.is_whole, reading.framing, len(reading.messages)) == (True, framing, 3)


def test_no_secret_is_shown_by_any_command(capsys: pytest.CaptureFixture[str]) -> None:
    frame = frame_in("iso87_ascii")
    for arguments in ([frame.hex()], [frame.hex(), "--json"], [frame.decode()], [frame[:-3].hex()]):
        main(["inspect", *arguments])
        told = shown(capsys)
        assert "941410******0017" in told
        assert "[secret]" in told
        assert not any(secret in told for secret in SECRETS)


@settings(max_examples=60)
@given(st.integers(0, 200), st.sampled_from(dialects.names()), st.sampled_from(("hex", "text", "framed")))
def test_no_guess_at_a_cut_message_betrays_the_card(length: int, dialect: str, form: str) -> None:
    frame = frame_in(dialect)[:length]
    data = {"hex": frame.hex().encode(), "text": frame, "framed": LEN2.pack(frame or b"0")}[form]
    reading = inspect_given(meant(data))
    rows = [row for one in reading.messages for row in one.rows]
    told = " ".join([*(row.value for row in rows), *(part.value for row in rows for _, part in nested(row.parts))])
    for secret in ("94141000000000", "89ABCDEF", "29121010", "920312"):
        assert secret not in told
        assert secret.encode().hex() not in told


def test_every_element_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", frame_in("iso87_ascii").hex(" ")]) == 0
    told = shown(capsys)
    assert "0100 authorization request" in told
    assert "Card acceptor terminal identification" in told
    assert "UAEM0001" in told


def test_elements_made_of_parts_are_shown_part_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    frame = frame_in("iso87_ascii").hex()
    assert main(["inspect", frame]) == 0
    told = shown(capsys)
    assert "Electronic commerce indicator" in told
    assert "Application transaction counter" in told
    assert "cash back" in told
    assert main(["inspect", frame, "--json"]) == 0
    elements = json.loads(shown(capsys))["messages"][0]["elements"]
    chip = {part["key"]: part for part in elements["55"]["parts"]}
    assert chip["9F36"]["value"] == "0042"
    assert chip["5A"]["value"] == "941410******0017"
    assert chip["57"]["value"] == "[secret]"
    assert [(part["key"], part["value"]) for part in chip["E1"]["parts"]] == [
        ("5F20", "[secret]"),
        ("DF01", "[secret]"),
    ]
    assert "parts" not in elements["3"]


def test_a_broken_message_shows_what_came_before_and_where_it_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    broken = frame_in("iso87_ascii").replace(b"000000012000", b"00000001200X")
    assert main(["inspect", broken.hex(), "--json"]) == 1
    (message,) = json.loads(shown(capsys))["messages"]
    offset = broken.index(b"00000001200X")
    assert message["broken"] == {"reason": "format.de4", "element": 4, "offset": offset}
    assert message["elements"]["3"]["value"] == "000000"
    assert main(["inspect", broken.hex()]) == 1
    assert f"breaks in element 4, Amount, transaction, at byte {offset}: format.de4" in shown(capsys)


def test_a_file_is_read_as_hex_or_as_the_bytes_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (
        ("raw", framing_named("len2").pack(frame_in("iso87_ascii"))),
        ("hex", frame_in("iso87_ascii").hex("\n", 16).encode()),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert main(["inspect", str(path)]) == 0
        assert "UAEM0001" in shown(capsys)


def test_a_named_dialect_is_not_guessed_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", frame_in("iso87_ascii").hex(), "--dialect", "iso87_ascii_binmap"]) == 1
    assert "dialect iso87_ascii_binmap" in shown(capsys)


def test_half_a_frame_is_said_to_be_half(capsys: pytest.CaptureFixture[str]) -> None:
    packed = framing_named("len2").pack(frame_in("iso87_ascii"))
    assert main(["inspect", packed[:-1].hex(), "--framing", "len2"]) == 1
    assert "not whole" in shown(capsys)


@pytest.mark.parametrize("wrong", [["--dialect", "klingon"], ["--framing", "semaphore"]])
def test_a_dialect_that_is_not_there_is_wrong_use(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "0800", *wrong]) == 2
    assert wrong[1] in capsys.readouterr().err


@settings(max_examples=60)
@given(st.binary(max_size=200))
@example(b"")
@example(b"0800")
def test_anything_at_all_can_be_inspected(data: bytes) -> None:
    reading = inspect_given(meant(data))
    assert reading.is_whole or any(one.broken for one in reading.messages) or reading.leftover
