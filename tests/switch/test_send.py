"""`payswitch send`: a message put together by hand, sent to whoever listens, its answer shown."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import elements as de
from protocols.dialects import dialect_named
from protocols.elements import ELEMENTS, Kind
from protocols.framing import framing_named
from switch.cli import main
from switch.composing import SettingError, composed, read_settings

NOON = datetime(2026, 11, 23, 15, 4, 5, tzinfo=timezone(timedelta(hours=3)))
ASCII = dialect_named("iso87_ascii")
LEN2 = framing_named("len2")

Reply = Callable[[bytes], list[bytes]]


@contextmanager
def host(reply: Reply) -> Iterator[tuple[str, list[bytes]]]:
    """A host that answers one connection: its address, and what it heard."""
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            frames: list[bytes] = []
            framer = LEN2.framer()
            while not frames:
                frames = framer.feed(connection.recv(4096))
            heard.extend(frames)
            for frame in reply(frames[0]):
                connection.sendall(LEN2.pack(frame))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join()


def approve(frame: bytes) -> list[bytes]:
    return [ASCII.decode(frame).answered({de.RESPONSE_CODE: "00"})]


def test_what_an_echo_needs_is_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    with host(approve) as (address, heard):
        assert main(["send", address, "--mti", "0800", "--set", "70=301"]) == 0
    assert ASCII.decode(heard[0]).numbers() == (7, 11, 70)
    told = capsys.readouterr().out
    assert "sent  0800 network management request" in told
    assert "heard 0810 network management answer" in told
    assert "Response code" in told


def test_a_card_number_is_sent_in_clear_and_shown_masked(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["pan=9414100000000017", "3=0", "amount=12000", "49=784", "pin_block=0123456789ABCDEF"]
    with host(approve) as (address, heard):
        assert main(["send", address, "--mti", "0100", *(word for one in settings for word in ("--set", one))]) == 0
    assert ASCII.decode(heard[0]).get(2) == "9414100000000017"
    told = capsys.readouterr().out
    assert "941410******0017" in told
    assert "9414100000000017" not in told
    assert "0123456789ABCDEF" not in told


def test_for_machines_request_and_answer_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    with host(approve) as (address, _):
        assert main(["send", address, "--mti", "0800", "--set", "70=301", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sent"]["mti"] == "0800"
    assert told["answer"]["elements"]["39"]["value"] == "00"


def test_bare_sends_exactly_what_is_set() -> None:
    with host(approve) as (address, heard):
        assert main(["send", address, "--mti", "0800", "--bare", "--set", "70=301", "--set", "11=7"]) == 0
    assert dict(ASCII.decode(heard[0]).items()) == {11: "000007", 70: "301"}


def test_a_question_before_the_answer_is_not_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    echo = ASCII.encode("0800", {7: "1123205144", 11: "000009", 70: "301"})
    with host(lambda frame: [echo, *approve(frame)]) as (address, _):
        assert main(["send", address, "--mti", "0800", "--set", "70=001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"]["mti"] == "0810"


def test_a_host_that_hangs_up_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with host(lambda _: []) as (address, _):
        assert main(["send", address, "--mti", "0800", "--set", "70=301"]) == 1
    assert "no answer: the other side hung up" in capsys.readouterr().out


def test_silence_is_a_failure_when_the_time_is_up(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert main(["send", address, "--mti", "0800", "--set", "70=301", "--timeout", "0.05"]) == 1
    assert "nothing came within 0.05 s" in capsys.readouterr().out


def test_nobody_there_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    assert main(["send", address, "--mti", "0800", "--set", "70=301"]) == 3
    assert "cannot connect" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--set", "70"],
        ["--set", "129=1"],
        ["--set", "nonsense=1"],
        ["--set", "70=301", "--set", "70=001"],
        ["--set", "4=12.00"],
        ["--set", "2=auto"],
        ["--dialect", "klingon"],
        ["--framing", "semaphore"],
    ],
)
def test_a_message_that_cannot_be_written_is_wrong_use(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "127.0.0.1:1", "--mti", "0100", *wrong]) == 2
    assert capsys.readouterr().err.startswith("send: ")


def test_a_setting_that_cannot_be_never_repeats_its_value() -> None:
    with pytest.raises(SettingError) as refused:
        read_settings(["9414100000000017"])
    assert "9414" not in str(refused.value)


def test_a_purchase_gets_times_and_a_terminal() -> None:
    values = composed("0100", ["4=12000"], NOON, 123456789)
    assert values == {
        4: "000000012000",
        7: "1123120405",  # UTC
        11: "456789",
        12: "150405",  # local
        13: "1123",
        41: "LAB00001",
        42: "LABORATORY00001",
    }


@pytest.mark.parametrize("mti", ["0100", "0101", "0120", "0200", "0400", "0420", "0800"])
def test_what_is_filled_in_fits_the_data_dictionary(mti: str) -> None:
    for number, value in composed(mti, [], NOON.astimezone(UTC), 1).items():
        assert len(value) == ELEMENTS[number].length
    ASCII.encode(mti, composed(mti, [], NOON, 1))


@given(st.sampled_from([one for one in ELEMENTS.values() if one.is_fixed and one.kind is Kind.N]), st.data())
def test_digits_are_filled_with_zeros_and_never_cut(element: de.Element, data: st.DataObject) -> None:
    digits = data.draw(st.text("0123456789", min_size=1, max_size=element.length + 2))
    (value,) = read_settings([f"{element.number}={digits}"]).values()
    assert int(value) == int(digits)
    assert len(value) == max(element.length, len(digits))
