"""A replay: pairs stay pairs, a reversal follows its original, and times are kept, stretched or replaced."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.__main__ import main
from loadtest.flow import Pause, Repeat, Reverse, Send
from loadtest.plan import NANO
from loadtest.recording import Recorded, from_lines
from loadtest.replay import Pace, ReplayError, replay_of, visits
from protocols.dialects import dialect_named
from protocols.framing import framing_named
from protocols.message import Message
from protocols.original import Original


def request(at_s: float, stan: int, mti: str = "0100", **more: str) -> Recorded:
    elements = {
        3: "000000",
        4: "000000001000",
        7: "1124081530",
        11: f"{stan:06d}",
        37: f"rrn{stan:09d}",
        41: "TERM0001",
    }
    return Recorded(at_s, mti, elements | {int(key[2:]): value for key, value in more.items()}, stan)


def reversal(at_s: float, stan: int, of: int) -> Recorded:
    return request(at_s, stan, "0420", de90=Original("0100", f"{of:06d}", "1124081530").text, de39="17")


def test_a_reversal_is_one_visit_with_its_original() -> None:
    found, _ = visits([request(0, 1), request(1, 2), reversal(5, 3, of=1)])
    assert [[one.elements[11] for one in visit.messages] for visit in found] == [["000001", "000003"], ["000002"]]


def test_a_repeat_and_a_completion_stay_with_theirs() -> None:
    repeat = request(2, 1, "0101")
    completion = request(9, 4, "0220", de37="rrn000000001")
    found, _ = visits([request(0, 1), repeat, completion])
    assert len(found) == 1
    replay = replay_of([request(0, 1), repeat, completion], Pace())
    (program,) = replay.programs.values()
    kinds = [type(step) for step in program.steps if not isinstance(step, Pause)]
    assert Repeat in kinds
    assert [step.mti for step in program.steps if isinstance(step, Send)] == ["0100", "0220"]
    assert [step.for_s.fixed for step in program.steps if isinstance(step, Pause)] == [2.0, 7.0]  # type: ignore[union-attr]


def test_a_reversal_of_what_was_not_recorded_is_sent_by_itself() -> None:
    replay = replay_of([reversal(0, 3, of=99)], Pace())
    (program,) = replay.programs.values()
    assert not any(isinstance(step, Reverse) for step in program.steps)


def test_answers_and_network_management_are_left_out() -> None:
    replay = replay_of([request(0, 1), request(0.1, 1, "0110"), request(1, 9, "0800")], Pace())
    assert (len(replay.plan), replay.left_out) == (1, 2)
    with pytest.raises(ReplayError):
        replay_of([request(0, 9, "0800")], Pace())


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        (Pace(), [0.0, 1.0, 4.0]),
        (Pace(speed=2.0), [0.0, 0.5, 2.0]),
        (Pace(rate_per_s=10.0), [0.0, 0.1, 0.2]),
    ],
)
def test_the_pace_decides_when(pace: Pace, seconds: list[float]) -> None:
    replay = replay_of([request(100, 1), request(101, 2), request(104, 3)], pace)
    assert [at / NANO for at in replay.plan.instants] == pytest.approx(seconds)
    assert replay.plan.lasts_s > seconds[-1]


def test_numbers_and_times_are_made_new_and_the_rest_stays() -> None:
    replay = replay_of([request(0, 1, de14="2912", de18="5411")], Pace())
    (program,) = replay.programs.values()
    (send,) = (step for step in program.steps if isinstance(step, Send))
    assert {send.elements[key] for key in ("7", "11", "37", "2", "14")} == {
        "$transmitted_at",
        "$stan",
        "$rrn",
        "$pan",
        "$expiry",
    }
    assert send.elements["18"] == "5411"
    assert replay.values[0]["saved.0.4"] == "000000001000"


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(1, 20), st.sampled_from(["0100", "0101", "0420", "0220"]))))
@settings(max_examples=50)
def test_every_request_is_in_exactly_one_visit(drawn: list[tuple[float, int, str]]) -> None:
    messages = [request(at, stan, mti) for at, stan, mti in sorted(drawn)]
    found, left_out = visits(messages)
    assert sum(len(visit.messages) for visit in found) + left_out == len(messages)
    assert [visit.at_s for visit in found] == sorted(visit.at_s for visit in found)


# --- on a wire


@contextmanager
def host() -> Iterator[tuple[int, list[Message]]]:
    """A host that approves everything, and what it heard."""
    dialect, framing = dialect_named("iso87_ascii"), framing_named("len2")
    heard: list[Message] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            framer = framing.framer()
            while data := self.request.recv(65536):
                for frame in framer.feed(data):
                    message = dialect.decode(frame)
                    heard.append(message)
                    self.request.sendall(framing.pack(message.answered({39: "00"})))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1], heard
        finally:
            server.shutdown()
            thread.join()


def test_a_recording_is_sent_again_with_nothing_of_its_cards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pan, lines = "5555444433332222", []
    for number in range(1, 21):
        elements = {"2": pan, "3": "000000", "4": f"{number:012d}", "7": "1124081530", "11": f"{number:06d}"}
        elements |= {"37": f"000000{number:06d}", "41": "TERM0001", "49": "784", "52": "0123456789ABCDEF"}
        lines.append(json.dumps({"at": 1000 + number, "mti": "0100", "elements": elements}))
    original = Original("0100", "000007", "1124081530").text
    lines.append(json.dumps({"at": 1030, "mti": "0420", "elements": {"11": "000900", "90": original, "39": "17"}}))
    file = tmp_path / "day.jsonl"
    file.write_text("\n".join(lines))
    with host() as (port, heard):
        out = tmp_path / "run"
        asked = ["replay", str(file), "--target", f"127.0.0.1:{port}", "--speed", "40", "--out", str(out), "--quiet"]
        code = main(asked)
    told = capsys.readouterr().out
    assert code in (0, 4), told  # 4: this machine was busy, so the generator was late
    sent = [one for one in heard if one.mti == "0100"]
    assert [one.amount for one in sent] == list(range(1, 21))
    assert {one.get(41) for one in sent} == {"TERM0001"}
    assert all(one.pan is not None and one.pan.passes_luhn and one.pan.clear() != pan for one in sent)
    assert all(one.pin_block is None for one in sent)
    (undone,) = [one for one in heard if one.mti == "0420"]
    assert undone.original is not None
    assert undone.original.stan == sent[6].stan
    assert undone.amount == 7
    written = "".join(path.read_text() for path in out.iterdir())
    assert pan not in written + told
    assert not any(one.pan is not None and one.pan.clear() in written + told for one in sent)


def test_a_dry_run_sends_nothing_and_says_what_it_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "day.jsonl"
    entry = {"at": 1, "mti": "0100", "card": "tok", "elements": {"3": "000000", "11": "000001", "35": "1=2"}}
    file.write_text(json.dumps(entry))
    assert main(["replay", str(file), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "1 messages of 1 cards: 1 visits" in told
    assert "dropped: DE 35" in told
    assert main(["replay", str(tmp_path / "nothing"), "--dry-run"]) == 2


def test_a_recording_without_cards_or_terminals_is_a_replay_too() -> None:
    lines = [json.dumps({"at": 1, "mti": "0200", "elements": {"3": "000000", "11": "000001"}})]
    assert len(replay_of(from_lines(lines).messages, Pace()).plan) == 1
