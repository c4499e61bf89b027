"""The doctor: against hosts of every framing and dialect, and hosts whose answers would not match."""

import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from loadtest.__main__ import main
from loadtest.commands.doctor import refuse_remote
from loadtest.diagnosis import Way
from loadtest.usage import UsageError
from protocols.errors import FormatError, RemoteProtocolError
from protocols.message import Message

Answer = Callable[[Message], bytes | None]


@contextmanager
def host(way: Way, answer: Answer) -> Iterator[int]:
    """A host that speaks one way, on a free port; whoever speaks otherwise is hung up on."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            framer = way.framed().framer()
            while data := self.request.recv(4096):
                try:
                    frames = framer.feed(data)
                    answers = [answer(way.spoken().decode(frame)) for frame in frames]
                except (FormatError, RemoteProtocolError):
                    return
                for one in answers:
                    if one is not None:
                        self.request.sendall(way.framed().pack(one))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def answering(changes: Mapping[int, str | None] | None = None, mti: str | None = None) -> Answer:
    """An answer with DE 39 = 00 and these changes."""

    def answer(asked: Message) -> bytes:
        kept = {**dict(asked.items()), 39: "00" if asked.mti.startswith("0") else "800", **(changes or {})}
        values = {number: value for number, value in kept.items() if value is not None}
        return asked.dialect.encode(mti or asked.mti[:2] + "1" + asked.mti[3], values)

    return answer


def doctor(port: int, *more: str) -> int:
    return main(["doctor", f"127.0.0.1:{port}", "--wait", "0.15", *more])


@pytest.mark.parametrize(
    "way",
    [
        Way("len2", "iso87_ascii"),
        Way("len4_ascii", "iso87_ascii"),
        Way("len2", "iso87_binary"),
        Way("len4", "iso87_ascii_binmap"),
        Way("len2_incl", "iso87_ascii"),
    ],
)
def test_the_way_a_host_speaks_is_found(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    with host(way, answering()) as port:
        assert doctor(port, "--match", "11") == 0
    told = capsys.readouterr().out
    assert f"answers in {way}" in told
    assert f'framing = "{way.framing}"' in told
    assert "a run would take it" in told


def test_a_missing_element_of_the_key_is_named_and_the_cure_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    with host(Way("len2", "iso87_ascii"), answering()) as port:
        assert doctor(port, "--set", "11=832686") == 1
    told = capsys.readouterr().out
    assert (
        "An 0810 with STAN 832686 arrived, but the match key [11, 41] needs DE 41, which it lacks; "
        'add `"0800" = [11]` under `[match]`.'
    ) in told


def test_an_answer_of_another_type_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with host(Way("len2", "iso87_ascii"), answering(mti="0830")) as port:
        assert doctor(port, "--match", "11") == 1
    told = capsys.readouterr().out
    assert "0830" in told
    assert "0810" in told


def test_an_element_that_changed_is_told_and_a_key_that_fits_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    with host(Way("len2", "iso87_ascii"), answering({41: "OTHER   "})) as port:
        assert doctor(port, "--set", "41=TERM0001") == 1
    told = capsys.readouterr().out
    assert "DE 41" in told
    assert '"0800" = [11, 7]' in told


def test_a_secret_in_an_answer_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = {2: "9784100000000019", 52: "0123456789ABCDEF", 48: "secret stuff"}
    with host(Way("len2", "iso87_ascii"), answering(secrets)) as port:
        assert doctor(port, "--match", "11") == 0
    told = capsys.readouterr().out
    assert not any(secret in told for secret in secrets.values())
    assert "978410******0019" in told


def test_a_silent_host_is_told_with_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    with host(Way("len2", "iso87_ascii"), lambda _: None) as port:
        assert doctor(port, "--framing", "len2", "--dialect", "iso87_ascii") == 1
    assert "said nothing" in capsys.readouterr().out


def test_nobody_there_is_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as free:
        port = free.server_address[1]
    assert doctor(port) == 3
    assert "nobody is there" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["", "host", "host:x", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_a_usage_error(target: str) -> None:
    assert main(["doctor", target]) == 2


def test_a_public_address_is_refused_unless_it_is_allowed_by_name() -> None:
    with pytest.raises(UsageError, match="--allow-remote"):
        refuse_remote("8.8.8.8", [])
    refuse_remote("8.8.8.8", ["8.8.8.8"])
    refuse_remote("127.0.0.1", [])
    refuse_remote("10.1.2.3", [])
